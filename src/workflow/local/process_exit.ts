/**
 * What becomes of runs when their process goes, or is to go. Called by manager.ts.
 * I1. A process that ended by itself is a death of the runs at work in it, one that was told to end is not.
 * I2. A run whose process is gone goes on in the next one, unless crash_policy.ts blames it.
 * I3. Runs on old code get until the drain timeout; what is then still there ends as interrupted.
 */
import { formatDuration } from "../../base/duration.ts";
import type { Clock } from "../../base/time.ts";
import type { TimerGroup } from "../../base/timer_group.ts";
import type { NewLogRow } from "../../protocol/log.ts";
import type { RunEntry, WorkflowQueue } from "./active_runs.ts";
import type { Assignments } from "./assignments.ts";
import { afterDeath, endsRun } from "./crash_policy.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { enterPhase } from "./phase.ts";
import type { ProcessExit } from "./ports.ts";
import { currentRound } from "./role_failure.ts";
import { ending, runRow, type RunWriter } from "./run_writer.ts";

export interface ProcessExitParts {
  readonly assignments: Assignments;
  readonly dispatcher: Dispatcher;
  readonly writer: RunWriter;
  readonly timers: TimerGroup;
  readonly clock: Clock;
  readonly log: (row: NewLogRow) => unknown;
}

export class ProcessExits {
  readonly #parts: ProcessExitParts;

  constructor(parts: ProcessExitParts) {
    this.#parts = parts;
  }

  /** The process is gone: every run that it held goes on elsewhere, or ends as crashed. */
  gone(processId: number, end: ProcessExit): void {
    const { assignments, dispatcher } = this.#parts;
    const { runs, recycled } = assignments.gone(processId);
    const atWork = runs.filter(({ phase }) => phase.tag === "running" || phase.tag === "aborting").length;
    const died = end.kind === "crash" && !recycled;
    const queues = new Set<WorkflowQueue>();
    for (const entry of runs) {
      queues.add(entry.queue);
      if (entry.phase.tag === "writing") {
        // Its role had done its work: this death is not its fault, and the message will still be stored.
        enterPhase(entry, { ...entry.phase, process: null });
        if (died) this.#logDeath(entry, end);
      } else if (entry.phase.tag === "running") {
        if (died) this.#died(entry, end, atWork === 1);
        else dispatcher.putBack(entry, end.message);
      }
    }
    for (const queue of queues) dispatcher.pump(queue);
  }

  /** The code is replaced: no suspicion outlives it, and runs in a process get `drainMs` to finish there. */
  replace(queue: WorkflowQueue, drainMs: number): void {
    for (const entry of queue.active) entry.deaths = null;
    const old = [...queue.active].flatMap((entry) => {
      const process = processOf(entry);
      return process === null ? [] : [{ entry, process }];
    });
    if (old.length === 0) return;
    const reason = `its code was replaced, and it had not finished ${formatDuration(drainMs)} later`;
    this.#parts.timers.after(drainMs, () => {
      for (const { entry, process } of old) {
        if (processOf(entry) === process) void this.#parts.dispatcher.end(entry, "interrupted", reason);
      }
    });
  }

  /** The manager stops: the run is taken off its process, and stays as the disk has it. */
  leave(entry: RunEntry): void {
    const { phase, run } = entry;
    if (phase.tag !== "running" && phase.tag !== "writing" && phase.tag !== "aborting") return;
    if (phase.process === null) return;
    if (phase.tag === "running") phase.process.abortRun(run.runId, run.attempt, "the daemon stops");
    this.#parts.assignments.release(phase.process, entry);
    if (phase.tag !== "aborting") this.#parts.dispatcher.putBack(entry, "the daemon stopped");
  }

  #died(entry: RunEntry, end: ProcessExit, alone: boolean): void {
    const { dispatcher, clock } = this.#parts;
    const round = currentRound(entry.run);
    entry.deaths = afterDeath(entry.deaths, round);
    if (!endsRun(entry.deaths, alone) || entry.endsPending > 0) {
      this.#logDeath(entry, end);
      return dispatcher.putBack(entry, end.message);
    }
    const reason = `its process died ${entry.deaths.count} times at round ${round}; the last time: ${end.message}`;
    enterPhase(entry, { tag: "ending" });
    void this.#crash(entry, ...ending(entry.run, "crashed", reason, clock.now()));
  }

  async #crash(entry: RunEntry, ...end: ReturnType<typeof ending>): Promise<void> {
    const { writer, dispatcher } = this.#parts;
    if (await writer.change(entry, ...end) || !writer.reconcile(entry)) return;
    dispatcher.putBack(entry, "its end was not stored");
    dispatcher.pump(entry.queue);
  }

  #logDeath(entry: RunEntry, end: ProcessExit): void {
    const { run } = entry;
    const payload = { attempt: run.attempt, round: currentRound(run), cause: end.message };
    this.#parts.log(runRow(run, "run.crashed", payload));
  }
}

/** The process that works on the run, if any does. */
function processOf(entry: RunEntry): object | null {
  return entry.phase.tag === "running" || entry.phase.tag === "writing" ? entry.phase.process : null;
}
