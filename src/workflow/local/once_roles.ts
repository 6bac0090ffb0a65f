/**
 * Roles that run once: lets them begin, asks a person where the end of one is unknown, and carries out the decision.
 * Called by process_messages.ts, dispatcher.ts and decisions.ts.
 * I1. The beginning of such a role is on disk before its code runs, once for each time that a person let it run.
 * I2. A role that has begun and has no message is never given to a process again, whatever the reason: it failed, it
 *     was aborted, or its process, the daemon or the machine died. Its run waits for a decision.
 * I3. A decision, its message and the move of the run are one commit: the role runs again, the person supplies its
 *     message, or the run fails.
 */
import { assert, NerveError } from "../../base/errors.ts";
import { messageMetaMaxBytes } from "../../base/limits.ts";
import { toStorableText } from "../../base/storable_text.ts";
import type { Clock } from "../../base/time.ts";
import type { Approval, ApprovalDecision, DecisionRequest } from "../../protocol/approval.ts";
import { toJsonText } from "../../protocol/json.ts";
import type { FromProcess } from "../../protocol/message.ts";
import type { RoleBegun, RunMessage } from "../../protocol/run.ts";
import type { RunEntry } from "./active_runs.ts";
import type { Assignments } from "./assignments.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { createEnding } from "./endings.ts";
import type { RunStore, WorkflowProcess } from "./ports.ts";
import { createRecovery, describeRecovery } from "./recovery_texts.ts";
import { begunOf, currentRoundOf, failureOf } from "./role_failure.ts";
import { createRunRow, type RunWriter } from "./run_writer.ts";
import type { Waits } from "./waits.ts";

export type MayBeginReport = Extract<FromProcess, { t: "may_begin" }>;

export interface OnceRolesParts {
  readonly writer: RunWriter;
  readonly assignments: Assignments;
  readonly dispatcher: Dispatcher;
  readonly waits: Waits;
  readonly store: Pick<RunStore, "decideRecovery" | "readBegun">;
  readonly clock: Clock;
}

export class OnceRoles {
  readonly #parts: OnceRolesParts;

  constructor(parts: OnceRolesParts) {
    this.#parts = parts;
  }

  /** The moderator has named a role that runs once: its process waits until it may begin. */
  async begin(entry: RunEntry, process: WorkflowProcess, role: string): Promise<void> {
    const { writer, dispatcher, clock } = this.#parts, { run } = entry, { attempt } = run, round = currentRoundOf(run);
    // The run continues here at the next start.
    if (!dispatcher.isOpen) return this.#takeOff(entry, process, "the daemon stopped");
    const begun: RoleBegun = { attempt, round, role: toStorableText(role), at: clock.now() };
    // Set before it is written, so that nothing gives the run to another process meanwhile.
    const about = entry.begun = { role: begun, stored: false };
    const written = await writer.beginRole(entry, begun);
    if (entry.begun !== about) return;
    entry.begun = written ? { role: begun, stored: true } : null;
    const isHere = () =>
      entry.phase.tag === "running" && entry.phase.process === process && entry.run.attempt === attempt;
    if (written) {
      // An end or a pause may be in the same commit, and is applied next.
      if (writer.read(run.runId)?.status !== "started") await writer.waitUntilIdle();
      if (isHere()) return process.begin(run.runId, attempt, round);
    } else if (isHere() && entry.endsPending === 0 && writer.reconcile(entry)) {
      // Otherwise it has ended, or an end of it is being written.
      this.#takeOff(entry, process, "the beginning of its role could not be stored");
    }
    dispatcher.dispatch(entry.queue);
  }

  #takeOff(entry: RunEntry, process: WorkflowProcess, why: string): void {
    const { assignments, dispatcher } = this.#parts, { runId, attempt } = entry.run;
    process.abortRun(runId, attempt, why);
    dispatcher.detach(entry, why);
    assignments.release(process, entry);
  }

  /** Asks a person about a role that has begun and whose end is unknown. */
  ask(entry: RunEntry): void {
    const begun = begunOf(entry)?.role;
    assert(begun !== undefined, `run ${entry.run.runId} has no role whose end is unknown`);
    const failure = failureOf(entry), why = failure?.message ?? entry.detachReason;
    void this.#parts.waits.ask(entry, begun.role, createRecovery(entry.run, begun, { why, failed: failure !== null }));
  }

  /** Carries out the decision of a recovery, for a run that waits.ts has loaded. False: another change came first. */
  settle(entry: RunEntry, approval: Approval, decision: ApprovalDecision, asked: DecisionRequest): Promise<boolean> {
    const { waits, writer } = this.#parts, { run } = entry;
    if (decision.decision === "done") {
      return waits.settle(entry, toMessage(approval, decision, asked), { decision }, true);
    }
    const after = describeRecovery(approval, decision), attempt = run.attempt + 1;
    const [change, row] = decision.decision === "retry"
      ? [
        { status: "started", attempt, reason: null } as const,
        createRunRow(run, "run.resumed", { rounds: run.rounds, after }),
      ]
      : createEnding(run, "failed", after, decision.decided);
    return waits.settleBy(entry, () => writer.decideRecovery(entry, change, row, decision));
  }
}

/** Throws PAYLOAD_INVALID when the decision lacks what it needs, or has something that it cannot use. */
export function checkSupplied({ kind, id }: Approval, { option, content, meta }: DecisionRequest): void {
  const supplies = kind === "recovery" && option === "done";
  if (!supplies && content === undefined && meta === undefined) return;
  const hint = `nerve approve ${id} --option done --content TEXT --meta JSON`;
  if (!supplies) {
    const message =
      `${option} of request ${id} takes no content and no meta: those are the message of a role that is done`;
    throw new NerveError("PAYLOAD_INVALID", message, kind === "recovery" ? { hint } : {});
  }
  if (content === undefined) {
    throw new NerveError("PAYLOAD_INVALID", `the message of the role is missing: its content is what the role did`, {
      hint,
    });
  }
  const text = toJsonText(meta ?? {}, messageMetaMaxBytes);
  if (!text.ok) throw new NerveError("PAYLOAD_INVALID", `meta ${text.error}`, { hint });
}

function toMessage({ round, role }: Approval, { decided }: ApprovalDecision, asked: DecisionRequest): RunMessage {
  const { content = "", meta = {} } = asked;
  return { round, role, content: toStorableText(content), meta, ts: decided };
}
