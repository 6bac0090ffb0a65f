/**
 * Pauses runs whose code contradicts their messages: after a change, the moderator would have chosen other roles, and
 * the process with the old code is gone. Called by process_messages.ts and manager.ts.
 * I1. Such a run has not ended: it is paused, and its reason explains why. A person resumes it and accepts its code, or
 *     kills it.
 * I2. It is resumed automatically when its code was replaced, even while no daemon ran: the new code may agree. If the
 *     new code contradicts it too, it is paused again.
 */
import { messageOf, NerveError } from "../../base/errors.ts";
import type { Clock } from "../../base/time.ts";
import type { Run } from "../../protocol/run.ts";
import type { HeldRun } from "../../protocol/run_wait.ts";
import type { ActiveRuns, RunEntry, WorkflowQueue } from "./active_runs.ts";
import type { Assignments } from "./assignments.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { enterPhase } from "./phase.ts";
import type { RunStore, WorkflowHost, WorkflowProcess } from "./ports.ts";
import { type RunWriter, toReason } from "./run_writer.ts";

export interface NondeterminismPausesParts {
  readonly runs: ActiveRuns;
  readonly writer: RunWriter;
  readonly assignments: Assignments;
  readonly dispatcher: Dispatcher;
  readonly store: Pick<RunStore, "listHeld">;
  readonly host: Pick<WorkflowHost, "codeOf">;
  readonly clock: Clock;
  readonly reportProblem: (message: string) => void;
  readonly resume: (runId: string) => Promise<Run>;
}

export class NondeterminismPauses {
  readonly #parts: NondeterminismPausesParts;

  constructor(parts: NondeterminismPausesParts) {
    this.#parts = parts;
  }

  /** Takes the run off the process whose code contradicts it. */
  async hold(entry: RunEntry, process: WorkflowProcess, why: string): Promise<void> {
    const { writer, assignments, dispatcher, host, clock } = this.#parts, { queue, run: { runId } } = entry;
    const code = entry.triedCode, about = { since: clock.now(), reason: null, wait: null };
    enterPhase(entry, { tag: "holding" });
    assignments.release(process, entry);
    const pause = { from: "started", ...about, code: host.codeOf(queue.name) } as const;
    if (await writer.pauseLater(entry, pause, toReason(`paused: ${why}`))) {
      if (code !== queue.code && writer.read(runId)?.status === "paused") this.#resume(runId);
      return;
    }
    // Meanwhile the run has ended or was paused.
    if (entry.phase.tag !== "holding" || !writer.reconcile(entry)) return;
    dispatcher.detach(entry, "its state could not be stored");
    dispatcher.dispatch(queue);
  }

  /** The daemon starts: resumes runs whose code changed while no daemon ran. */
  recover(): void {
    const { runs, host } = this.#parts;
    for (const { runId, workflow, code } of this.#list()) {
      const now = host.codeOf(workflow), plan = runs.findQueue(workflow)?.plan ?? null;
      if (plan !== null && now !== "" && now !== code) this.#resume(runId);
    }
  }

  /** The code was replaced: resumes the workflow's held runs. */
  release(queue: WorkflowQueue): void {
    for (const { runId, workflow } of this.#list()) if (workflow === queue.name) this.#resume(runId);
  }

  /** One text for each run that is paused because of its code. */
  describe(): string[] {
    return this.#list().map(({ runId, workflow, reason }) => `run ${runId} of ${workflow} is ${reason}`);
  }

  #list(): HeldRun[] {
    try {
      return this.#parts.store.listHeld();
    } catch (thrown) {
      this.#parts.reportProblem(`runs that are paused for their code cannot be read: ${messageOf(thrown)}`);
      return [];
    }
  }

  #resume(runId: string): void {
    this.#parts.resume(runId).catch((thrown: unknown) => {
      // It was killed.
      if (thrown instanceof NerveError && thrown.code === "RUN_ENDED") return;
      this.#parts.reportProblem(`run ${runId} stays paused although its code was replaced: ${messageOf(thrown)}`);
    });
  }
}
