/** The list of senses. */
import { useEffect, useState } from "preact/hooks";
import type { SenseView } from "../../src/protocol/api.ts";
import { formatCount, formatSpan, preview } from "../format.ts";
import { type Resource, useResource } from "../hooks.ts";
import { live } from "../live.ts";
import { Chip, Empty, Mark, Section, toneOfStatus, Waiting, When } from "../parts/basic.tsx";
import { toHash } from "../route.ts";
import { fieldsOf } from "../row_text.ts";

type Senses = { readonly items: readonly SenseView[] };

/** The senses: last signals come from the stream, the rest is requested now and then, and when something is wrong. */
export function useSenses(): Resource<Senses> {
  const senses = useResource<Senses>("/v1/senses", {
    everyMs: 5_000,
    wakes: ({ type }) => type.startsWith("config.") || type.startsWith("group.") || type === "sense.load_failed",
  });
  const [signals, setSignals] = useState<ReadonlyMap<string, SenseView["lastSignal"]>>(new Map());
  useEffect(() =>
    live.onRows((rows) => {
      const told = rows.filter(({ type }) => type === "sense.signal");
      if (told.length === 0) return;
      setSignals((before) => {
        const after = new Map(before);
        for (const row of told) {
          const sense = row.refId ?? "", payload = fieldsOf(row).payload ?? null;
          after.set(sense, { id: row.id, sense, ts: row.ts, payload: payload as never });
        }
        return after;
      });
    }), []);
  const items = senses.data?.items.map((sense) => {
    const told = signals.get(sense.name);
    return told != null && told.id > (sense.lastSignal?.id ?? 0) ? { ...sense, lastSignal: told } : sense;
  });
  return { ...senses, data: items === undefined ? null : { items } };
}

export function Senses() {
  const senses = useSenses(), [text, setText] = useState("");
  const shown = senses.data?.items.filter(({ name, group }) => name.includes(text) || group.includes(text)) ?? [];
  return (
    <>
      <h1 tabIndex={-1}>Senses</h1>
      <div class="filters">
        <label>
          <span class="unseen">Name contains</span>
          <input
            type="search"
            placeholder="name or group"
            value={text}
            onInput={({ currentTarget }) => setText(currentTarget.value)}
          />
        </label>
      </div>
      <Section title="Senses" count={senses.data === null ? undefined : shown.length}>
        {senses.data === null
          ? <Waiting error={senses.error} rows={10} />
          : shown.length === 0
          ? <Empty>There is no such sense.</Empty>
          : <SenseTable senses={shown} isWhole />}
      </Section>
    </>
  );
}

export function SenseTable(
  { senses, isWhole = false }: { readonly senses: readonly SenseView[]; readonly isWhole?: boolean },
) {
  return (
    <table class="table senses">
      <thead>
        <tr>
          <th>Sense</th>
          <th>State</th>
          <th class="grow roomy">Last signal</th>
          <th class="right">When</th>
          <th class="wide">Last compute</th>
          {isWhole ? <th class="roomy">Reflexes</th> : null}
          <th class="right wide">Signals</th>
          <th class="right">Next</th>
        </tr>
      </thead>
      <tbody>
        {senses.map((sense) => (
          <tr key={sense.name}>
            <td>
              <a class="mono" href={toHash("senses", sense.name)}>{sense.name}</a>
            </td>
            <td>
              <SenseChip sense={sense} />
            </td>
            <td class="grow roomy">
              <code class="cut">{sense.lastSignal === null ? "" : preview(sense.lastSignal.payload)}</code>
            </td>
            <td class="right">
              <When at={sense.lastSignal?.ts ?? null} bare />
            </td>
            <td class="wide">
              <LastCompute sense={sense} />
            </td>
            {isWhole ? <td class="roomy dim">{sense.reflexes.join(", ")}</td> : null}
            <td class="right num wide">{formatCount(sense.counters.signals)}</td>
            <td class="right">
              <When at={sense.nextDue} isDue />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The state of a sense; one that cannot be loaded is broken, whatever its process does. */
export function SenseChip({ sense: { problem, state } }: { readonly sense: SenseView }) {
  const status = problem === null || state === "quarantined" || state === "held" ? state : "broken";
  return <Chip status={status} tone={status === "broken" ? "bad" : toneOfStatus(status)} />;
}

function LastCompute({ sense: { lastCompute } }: { readonly sense: SenseView }) {
  if (lastCompute === null) return <span class="dim">none yet</span>;
  const { outcome, detail, durationMs } = lastCompute, tone = toneOfStatus(outcome);
  return (
    <span class="cut short" title={detail ?? ""}>
      <Mark tone={tone} /> {outcome === "null" ? "silent" : outcome}{" "}
      <span class="dim num">{detail === null ? formatSpan(durationMs) : preview(detail, 60)}</span>
    </span>
  );
}
