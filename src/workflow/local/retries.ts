/**
 * Stores the failures of roles. The run then waits, in no process, for its next attempt, or ends. Called by
 * process_messages.ts; dispatcher.ts does the waiting. The worker enforces a role's time limit and reports the failure
 * when the role has settled. The kernel enforces it too: it ends the process of a role that does not settle. (The
 * heartbeat ends a loop after 15 s at the latest, and then it counts as a crash: a time limit over 10 s never catches a
 * loop.)
 * I1. A failure is durable before its wait begins, with the time of the failure: a restart does not start the wait
 *     over. Setting the clock back makes no wait longer than requested, before or after a restart (base/moment.ts).
 * I2. The kernel counts how often a role has failed, whatever its process reports.
 * I3. Ending the process of an overdue role restarts its siblings, but does not count as a death of theirs.
 */
import { formatDuration } from "../../base/duration.ts";
import { readMoment } from "../../base/moment.ts";
import type { Clock } from "../../base/time.ts";
import type { FromProcess } from "../../protocol/message.ts";
import type { RoleFailure, Run } from "../../protocol/run.ts";
import { formatPlace } from "../../protocol/signal_text.ts";
import type { RunEntry } from "./active_runs.ts";
import type { Assignments } from "./assignments.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { enterPhase } from "./phase.ts";
import type { WorkflowProcess } from "./ports.ts";
import { begunOf, currentRoundOf, describeFailure, failureOf } from "./role_failure.ts";
import type { RunWriter } from "./run_writer.ts";

export type RoleBegunReport = Extract<FromProcess, { t: "role_begun" }>;
export type AttemptFailedReport = Extract<FromProcess, { t: "attempt_failed" }>;

export interface RetriesParts {
  readonly writer: RunWriter;
  readonly assignments: Assignments;
  readonly dispatcher: Dispatcher;
  readonly clock: Clock;
  /** Called after a failure is durable. */
  readonly onFailureStored: (run: Run, text: string) => void;
}

export class Retries {
  readonly #parts: RetriesParts;

  constructor(parts: RetriesParts) {
    this.#parts = parts;
  }

  /** A role with a time limit has begun. */
  onRoleBegun(entry: RunEntry, process: WorkflowProcess, report: RoleBegunReport): void {
    const { assignments } = this.#parts, { timeoutMs } = report;
    assignments.setDeadline(process, entry, timeoutMs, () => {
      // Another role's process is being recycled; this role may not be to blame. Its run resumes.
      if (assignments.isRecycling(process.id)) return;
      const message = `timed out after ${formatDuration(timeoutMs)} and did not stop; its process was ended`;
      assignments.recycle(process, `role ${report.role} of run ${report.runId} ${message}`);
      void this.#storeFailure(entry, process, report, message);
    });
  }

  /** A role has thrown, or has settled after its time limit. */
  onAttemptFailed(entry: RunEntry, process: WorkflowProcess, report: AttemptFailedReport): void {
    const { place } = report;
    void this.#storeFailure(entry, process, report, `${report.message}${formatPlace(place)}`);
  }

  async #storeFailure(
    entry: RunEntry,
    process: WorkflowProcess,
    { role, attempts, waitMs: wanted, exhausted }: RoleBegunReport | AttemptFailedReport,
    message: string,
  ): Promise<void> {
    const { writer, assignments, dispatcher, clock, onFailureStored } = this.#parts;
    enterPhase(entry, { tag: "failing" });
    assignments.release(process, entry);
    // A role that runs once is not retried, whatever its process reports.
    const runsOnce = begunOf(entry) !== null, waitMs = runsOnce ? null : wanted;
    const failure: RoleFailure = {
      round: currentRoundOf(entry.run),
      role,
      failures: (failureOf(entry)?.failures ?? 0) + 1,
      attempts,
      message,
      waitMs,
      retryAt: waitMs === null ? null : clock.now() + waitMs,
      failedAt: readMoment(clock),
      exhausted: runsOnce ? "ask" : exhausted,
    };
    const written = await writer.appendRoleFailure(entry, failure);
    if (written) onFailureStored(entry.run, describeFailure(failure));
    // It has ended meanwhile: killed, or interrupted.
    if (entry.phase.tag !== "failing") return;
    if (written) entry.lastFailure = failure;
    const { failures } = failure;
    dispatcher.detach(
      entry,
      written ? `attempt ${failures} of role ${role} failed` : "its failure could not be stored",
    );
    dispatcher.dispatch(entry.queue);
  }
}
