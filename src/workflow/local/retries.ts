/**
 * What becomes of a run when its role fails: the failure is written down, then the run waits in no process until the
 * time of the next attempt, or ends. Called by process_messages.ts; dispatcher.ts does the waiting.
 * The worker watches a role's time limit and reports the failure when the role has come to rest. The kernel watches
 * it too, for a role that does not: it ends the process. (A loop is ended no later than by the heartbeat, after 15 s,
 * and then counts as a crash: so a time limit over 10 s tells nothing of a loop.)
 * I1. A failure is durable before its wait begins, and the wait is a time of day: a restart does not start it over.
 *     It is timed without the wall: a clock that was set back makes no wait longer than the one asked for.
 * I2. How often a role has failed is counted here, whatever its process says.
 * I3. A role that outlives its time limit costs its siblings a restart, and counts as no death of theirs.
 */
import { formatDuration } from "../../base/duration.ts";
import type { Clock } from "../../base/time.ts";
import type { FromProcess } from "../../protocol/message.ts";
import type { RoleFailure, Run } from "../../protocol/run.ts";
import { formatPlace } from "../../protocol/signal.ts";
import type { RunEntry } from "./active_runs.ts";
import type { Assignments } from "./assignments.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { enterPhase } from "./phase.ts";
import type { WorkflowProcess } from "./ports.ts";
import { currentRound, failureOf, reasonOf } from "./role_failure.ts";
import type { RunWriter } from "./run_writer.ts";

export type SaidBegun = Extract<FromProcess, { t: "role_begun" }>;
export type SaidFailed = Extract<FromProcess, { t: "attempt_failed" }>;

export interface RetriesParts {
  readonly writer: RunWriter;
  readonly assignments: Assignments;
  readonly dispatcher: Dispatcher;
  readonly clock: Clock;
  /** Called when a failure is durable. */
  readonly failed: (run: Run, text: string) => void;
}

export class Retries {
  readonly #parts: RetriesParts;

  constructor(parts: RetriesParts) {
    this.#parts = parts;
  }

  /** A role with a time limit begins. */
  begun(entry: RunEntry, process: WorkflowProcess, said: SaidBegun): void {
    const { assignments } = this.#parts, { timeoutMs } = said;
    assignments.setDeadline(process, entry, timeoutMs, () => {
      // Another has cost it its process, and its role may not be to blame: it goes on from its last message.
      if (assignments.recycling(process.id)) return;
      const message = `timed out after ${formatDuration(timeoutMs)} and did not come to rest; its process was ended`;
      assignments.recycle(process, `role ${said.role} of run ${said.runId} ${message}`);
      void this.#fail(entry, process, said, message);
    });
  }

  /** A role has thrown, or has come to rest after its time was up. */
  failed(entry: RunEntry, process: WorkflowProcess, said: SaidFailed): void {
    const { place } = said;
    void this.#fail(entry, process, said, `${said.message}${formatPlace(place)}`);
  }

  async #fail(
    entry: RunEntry,
    process: WorkflowProcess,
    { role, attempts, waitMs }: SaidBegun | SaidFailed,
    message: string,
  ): Promise<void> {
    const { writer, assignments, dispatcher, clock, failed } = this.#parts;
    enterPhase(entry, { tag: "failing" });
    assignments.release(process, entry);
    const failure: RoleFailure = {
      round: currentRound(entry.run),
      role,
      failures: (failureOf(entry)?.failures ?? 0) + 1,
      attempts,
      message,
      waitMs,
      retryAt: waitMs === null ? null : clock.now() + waitMs,
    };
    const written = await writer.roleFailed(entry, failure);
    if (written) failed(entry.run, reasonOf(failure));
    // It has ended meanwhile: killed, or interrupted.
    if (entry.phase.tag !== "failing") return;
    if (written) entry.failed = failure;
    const { failures } = failure;
    dispatcher.putBack(entry, written ? `attempt ${failures} of role ${role} failed` : "its failure was not stored");
    dispatcher.pump(entry.queue);
  }
}
