/** The head of a run's page: its state, and what a person can do with it. */
import { useState } from "preact/hooks";
import type { Run } from "../../src/protocol/run.ts";
import { post, segment } from "../api.ts";
import { type Action, useAction, useMayAct } from "../hooks.ts";
import { showTimes } from "../format.ts";
import { Chip, Fact, Failure, Took, When } from "../parts/basic.tsx";
import { Confirm } from "../parts/dialog.tsx";
import { go, toHash } from "../route.ts";

export interface RunHeadProps {
  readonly run: Run;
  /** Whether to show the reason for its state. */
  readonly hasReason: boolean;
  /** Whether it is paused because its code contradicts its messages. */
  readonly isHeld: boolean;
}

export function RunHead({ run, hasReason, isHeld }: RunHeadProps) {
  const action = useAction(), mayAct = useMayAct(), [asks, setAsks] = useState<"kill" | "pause" | "fork" | null>(null);
  const { runId, status } = run;
  return (
    <>
      <div class="head">
        <div>
          <h1 tabIndex={-1}>
            <span class="mono">{run.workflow}</span> <Chip status={status} />
          </h1>
          <p class="dim mono id">{runId}</p>
        </div>
        {mayAct ? <RunButtons run={run} isHeld={isHeld} action={action} ask={setAsks} /> : null}
      </div>
      {asks !== null || action.error === null ? null : <Failure error={action.error} />}
      {run.reason === null || !hasReason
        ? null
        : <p class={`callout ${run.status === "failed" ? "bad" : ""}`}>{showTimes(run.reason)}</p>}
      <RunFacts run={run} />
      {asks === "kill" || asks === "pause"
        ? <StopDialog run={run} verb={asks} action={action} onClose={() => setAsks(null)} />
        : null}
      {asks === "fork" ? <ForkDialog run={run} action={action} onClose={() => setAsks(null)} /> : null}
    </>
  );
}

function RunButtons(
  { run: { runId, status, endedAt }, isHeld, action, ask }: Omit<RunHeadProps, "hasReason"> & {
    readonly action: Action;
    readonly ask: (what: "kill" | "pause" | "fork") => void;
  },
) {
  const resume = () => post(`/v1/runs/${segment(runId)}/resume${isHeld ? "?acceptCode=1" : ""}`);
  return (
    <div class="buttons">
      {endedAt !== null || status === "paused"
        ? null
        : <button type="button" onClick={() => ask("pause")}>Pause</button>}
      {status !== "paused"
        ? null
        : (
          <button type="button" class="primary" disabled={action.busy} onClick={() => void action.run(resume)}>
            {isHeld ? "Resume with this code" : "Resume"}
          </button>
        )}
      <button type="button" onClick={() => ask("fork")}>Fork</button>
      {endedAt !== null ? null : <button type="button" class="danger" onClick={() => ask("kill")}>Kill</button>}
    </div>
  );
}

function RunFacts({ run }: { readonly run: Run }) {
  return (
    <dl class="facts across">
      <Fact name={run.startedAt === null ? "Asked for" : "Started"}>
        <When at={run.startedAt ?? run.queuedAt} />
      </Fact>
      <Fact name={run.endedAt === null ? "Runs for" : "Took"}>
        <Took from={run.startedAt} to={run.endedAt} />
      </Fact>
      <Fact name="Rounds">
        <span class="num">{run.rounds} of at most {run.maxRounds}</span>
      </Fact>
      <Fact name="Attempts">
        <span class="num">{run.attempt}</span>
      </Fact>
      {run.exitCode === null ? null : (
        <Fact name="Exit code">
          <span class="num">{run.exitCode}</span>
        </Fact>
      )}
    </dl>
  );
}

interface DialogProps {
  readonly run: Run;
  readonly action: Action;
  readonly onClose: () => void;
}

function StopDialog({ run, verb, action, onClose }: DialogProps & { readonly verb: "kill" | "pause" }) {
  const [reason, setReason] = useState("");
  const act = () => post(`/v1/runs/${segment(run.runId)}/${verb}`, reason === "" ? {} : { reason });
  const isKill = verb === "kill";
  return (
    <Confirm
      title={`${isKill ? "Kill" : "Pause"} this run of ${run.workflow}?`}
      verb={isKill ? "Kill" : "Pause"}
      danger={isKill}
      {...{ action, act, onClose }}
    >
      <p>
        {isKill
          ? "It ends for good. A role that is running is aborted; nothing of it is undone."
          : "A role that is running is aborted, and runs again after the resume."}
      </p>
      <label class="field">
        Reason <span class="dim">(optional)</span>
        <input value={reason} onInput={({ currentTarget }) => setReason(currentTarget.value)} />
      </label>
    </Confirm>
  );
}

function ForkDialog({ run, action, onClose }: DialogProps) {
  const [round, setRound] = useState(run.rounds + 1);
  const act = async () => {
    const body = { rerunOf: run.runId, ...round > 1 ? { fromRound: round } : {} };
    const made = await post<Run>(`/v1/workflows/${segment(run.workflow)}/runs`, body);
    go(toHash("runs", made.runId));
  };
  return (
    <Confirm title={`Fork this run of ${run.workflow}?`} verb="Fork" {...{ action, act, onClose }}>
      <p>
        A new run with the same prompt and payload. It takes over the messages before the round, and goes on from there.
      </p>
      <label class="field">
        From round
        <input
          type="number"
          min={1}
          max={run.rounds + 1}
          value={round}
          onInput={({ currentTarget }) => setRound(Number(currentTarget.value))}
        />
      </label>
    </Confirm>
  );
}
