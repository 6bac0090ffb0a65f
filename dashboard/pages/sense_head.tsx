/** The head of a sense's page: its state and counters, and what a person can do with it. */
import { useState } from "preact/hooks";
import type { SenseView, TriggerReply } from "../../src/protocol/api.ts";
import { post } from "../api.ts";
import { formatCount, formatSpan } from "../format.ts";
import { type Action, useAction, useMayAct } from "../hooks.ts";
import { Fact, Failure, When } from "../parts/basic.tsx";
import { Confirm } from "../parts/dialog.tsx";
import { SenseChip } from "./senses.tsx";

const hourMs = 3_600_000;

export function SenseHead(
  { sense, path, reload }: { readonly sense: SenseView; readonly path: string; readonly reload: () => void },
) {
  const action = useAction(),
    mayAct = useMayAct(),
    [asksPause, setAsksPause] = useState(false),
    [said, setSaid] = useState("");
  const { name, problem } = sense;
  const compute = () =>
    void action.run(async () => {
      setSaid("");
      const { outcome } = await post<TriggerReply>(`${path}/trigger?wait=1`);
      setSaid(
        outcome === null
          ? ""
          : `It computed: ${outcome.kind === "null" ? `silent ${outcome.silent ?? ""}` : outcome.kind}`,
      );
      reload();
    });
  const endPause = () => {
    setAsksPause(false);
    reload();
  };
  const lift = (what: "reset" | "resume") => void action.run(() => post(`${path}/${what}`).then(reload));
  return (
    <>
      <div class="head">
        <div>
          <h1 tabIndex={-1}>
            <span class="mono">{name}</span> <SenseChip sense={sense} />
          </h1>
          <p class="dim">
            {sense.use === null || sense.use === name ? "" : `code of ${sense.use}, `}group {sense.group}
          </p>
        </div>
        <div class="buttons">
          <span class="said" role="status">{said}</span>
          {mayAct
            ? (
              <SenseButtons
                sense={sense}
                busy={action.busy}
                compute={compute}
                lift={lift}
                pause={() => setAsksPause(true)}
              />
            )
            : null}
        </div>
      </div>
      {problem === null ? null : <pre class="callout bad">{problem}</pre>}
      {action.error === null || asksPause ? null : <Failure error={action.error} />}
      <Facts sense={sense} />
      {asksPause ? <PauseDialog {...{ name, path, action }} onClose={endPause} /> : null}
    </>
  );
}

interface SenseButtonsProps {
  readonly sense: SenseView;
  readonly busy: boolean;
  readonly compute: () => void;
  readonly lift: (what: "reset" | "resume") => void;
  readonly pause: () => void;
}

function SenseButtons({ sense: { state, paused }, busy, compute, lift, pause }: SenseButtonsProps) {
  return (
    <>
      {state === "quarantined"
        ? <button type="button" class="primary" onClick={() => lift("reset")}>Lift quarantine</button>
        : null}
      {paused === null
        ? <button type="button" onClick={pause}>Pause</button>
        : <button type="button" class="primary" onClick={() => lift("resume")}>Resume</button>}
      <button type="button" disabled={busy} onClick={compute}>Compute now</button>
    </>
  );
}

function Facts({ sense: { nextDue, reflexes, lastCompute, counters, paused } }: { readonly sense: SenseView }) {
  return (
    <dl class="facts across">
      <Fact name="Next">
        <When at={nextDue} />
      </Fact>
      <Fact name="Reflexes">{reflexes.join(", ") || <span class="dim">none</span>}</Fact>
      <Fact name="Last compute">
        {lastCompute === null ? <span class="dim">none yet</span> : (
          <>
            <When at={lastCompute.at} />, <span class="num">{formatSpan(lastCompute.durationMs)}</span>
          </>
        )}
      </Fact>
      <Fact name="Computes">
        <span class="num">{formatCount(counters.computes)}</span>
      </Fact>
      <Fact name="Signals">
        <span class="num">{formatCount(counters.signals)}</span>
      </Fact>
      <Fact name="Silent">
        <span class="num">{formatCount(counters.null)}</span>
      </Fact>
      <Fact name="Failed">
        <span class="num">{formatCount(counters.error + counters.timeout + counters.group_down)}</span>
      </Fact>
      {paused === null ? null : (
        <Fact name="Paused">
          {paused.reason ?? "by hand"}, {paused.until === null ? "until it is resumed" : <When at={paused.until} />},
          {" "}
          {paused.skipped} skipped
        </Fact>
      )}
    </dl>
  );
}

function PauseDialog(
  { name, path, action, onClose }: {
    readonly name: string;
    readonly path: string;
    readonly action: Action;
    readonly onClose: () => void;
  },
) {
  const [reason, setReason] = useState(""), [forMs, setForMs] = useState("");
  const act = () => post(`${path}/pause`, { ...reason && { reason }, ...forMs && { forMs: Number(forMs) } });
  return (
    <Confirm title={`Pause ${name}?`} verb="Pause" {...{ action, act, onClose }}>
      <p>Its reflexes do not wake it. “Compute now” still does.</p>
      <label class="field">
        For
        <select value={forMs} onChange={({ currentTarget }) => setForMs(currentTarget.value)}>
          <option value="">until it is resumed</option>
          <option value={hourMs}>1 hour</option>
          <option value={8 * hourMs}>8 hours</option>
          <option value={24 * hourMs}>1 day</option>
        </select>
      </label>
      <label class="field">
        Reason <span class="dim">(optional)</span>
        <input value={reason} onInput={({ currentTarget }) => setReason(currentTarget.value)} />
      </label>
    </Confirm>
  );
}
