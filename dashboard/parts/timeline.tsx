/** The rounds of a run as bars on one timeline: work, waits, pauses between attempts, and marks for events. */
import type { LogRow } from "../../src/protocol/log.ts";
import type { Run } from "../../src/protocol/run.ts";
import { formatDateTime, formatSpan, showTimes } from "../format.ts";
import { useNow } from "../hooks.ts";
import { Mark } from "./basic.tsx";
import { type Round, type RoundNote, toRounds } from "./rounds.ts";

/** The time scale that all bars share. */
interface Scale {
  readonly from: number;
  readonly to: number;
}

function toShare({ from, to }: Scale, ms: number): string {
  return `${Math.min(100, Math.max(0, ms / (to - from) * 100)).toFixed(3)}%`;
}

export function Timeline({ run, rows }: { readonly run: Run; readonly rows: readonly LogRow[] }) {
  const now = useNow(), from = rows[0]?.ts ?? run.queuedAt;
  const to = Math.max(from + 1, run.endedAt ?? Math.max(now, rows.at(-1)?.ts ?? now)), whole = to - from;
  return (
    <ol class="timeline">
      {toRounds(rows).map((each) => (
        <RoundLine key={each.round} of={each} scale={{ from, to }} hasEnded={run.endedAt !== null} />
      ))}
      <li class="scale dim num" aria-hidden="true">
        <span />
        <span />
        <span class="track">
          <span>0</span>
          <span>{formatSpan(whole / 2)}</span>
          <span>{formatSpan(whole)}</span>
        </span>
        <span />
      </li>
    </ol>
  );
}

interface RoundLineProps {
  readonly of: Round;
  readonly scale: Scale;
  readonly hasEnded: boolean;
}

function RoundLine({ of: { round, role, spans, notes }, scale, hasEnded }: RoundLineProps) {
  const { from, to } = scale, last = spans.at(-1);
  const took = last === undefined ? null : (last.to ?? to) - (spans[0]?.from ?? from);
  const isOpen = last?.to === null && !hasEnded;
  const waits = spans.filter(({ kind }) => kind === "wait").map((span): RoundNote => {
    return { at: span.from, tone: "wait", text: span.what };
  });
  return (
    <li class={isOpen ? "open" : ""}>
      <span class="round num">{round}</span>
      <span class="role mono">{role || (!isOpen ? "end" : last.kind === "queued" ? "queued" : "now")}</span>
      <span class="track">
        {spans.map((span) => (
          <i
            key={span.from}
            class={span.kind}
            title={`${showTimes(span.what)}, ${formatSpan((span.to ?? to) - span.from)} from ${
              formatDateTime(span.from)
            }`}
            style={{ left: toShare(scale, span.from - from), width: toShare(scale, (span.to ?? to) - span.from) }}
          />
        ))}
        {notes.map(({ at, tone, text }) => (
          <b key={`${at}${text}`} class={tone} title={showTimes(text)} style={{ left: toShare(scale, at - from) }}>
            <Mark tone={tone} />
          </b>
        ))}
      </span>
      <span class="took num">{took === null ? "" : formatSpan(took)}</span>
      {[...waits, ...notes].sort((a, b) => a.at - b.at).map(({ at, tone, text }) => (
        <span key={`${at}${text}`} class={`note ${tone}`}>
          <Mark tone={tone} /> {showTimes(text)} <span class="num">+{formatSpan(at - from)}</span>
        </span>
      ))}
    </li>
  );
}
