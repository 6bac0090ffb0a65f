/**
 * Moves or ends runs when their process exits or is replaced. Called by manager.ts.
 * I1. A process that crashed counts as a death of the runs that were running in it; a process that nerve ended or
 *     something else killed does not.
 * I2. A run whose process has exited continues in the next one, unless crash_policy.ts blames it for the crash.
 * I3. New code ends no run: a run in a process with the old code continues there, or moves (code_moves.ts). When its
 *     workflow leaves the configuration, it has until the drain timeout, and then ends as interrupted.
 */
import { formatDuration } from "../../base/duration.ts";
import type { Clock } from "../../base/time.ts";
import type { TimerGroup } from "../../base/timer_group.ts";
import type { NewLogRow } from "../../protocol/log.ts";
import type { RunEntry, WorkflowQueue } from "./active_runs.ts";
import type { Assignments } from "./assignments.ts";
import type { Closings } from "./closings.ts";
import { countDeath, shouldEndRun, waitAfterKills } from "./crash_policy.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { createEnding } from "./endings.ts";
import { enterPhase } from "./phase.ts";
import type { ProcessExit } from "./ports.ts";
import type { CodeMoves } from "./code_moves.ts";
import { currentRoundOf } from "./role_failure.ts";
import { createRunRow, type RunWriter } from "./run_writer.ts";

export interface ProcessExitParts {
  readonly assignments: Assignments;
  readonly dispatcher: Dispatcher;
  readonly probes: CodeMoves;
  readonly closings: Closings;
  readonly writer: RunWriter;
  readonly timers: TimerGroup;
  readonly clock: Clock;
  readonly log: (row: NewLogRow) => unknown;
}

export class ProcessExitHandler {
  readonly #parts: ProcessExitParts;

  constructor(parts: ProcessExitParts) {
    this.#parts = parts;
  }

  /** The process has exited: each of its runs continues in the next one, or ends as crashed. */
  onExit(processId: number, end: ProcessExit): void {
    const { assignments, dispatcher } = this.#parts;
    const { runs, probed, recycled } = assignments.removeProcess(processId);
    const atWork = runs.filter(({ phase }) => ["running", "aborting", "closing"].includes(phase.tag)).length +
      probed.length;
    const died = (end.kind === "crash" || end.kind === "outside") && !recycled;
    const queues = new Set<WorkflowQueue>();
    for (const entry of probed) this.#parts.probes.onProcessEnded(entry, end.message);
    for (const entry of runs) {
      const { phase } = entry;
      queues.add(entry.queue);
      if (phase.tag === "writing" || phase.tag === "probing" || phase.tag === "moving") {
        // None of its roles was running: this death is not its fault. What is being written will still be stored.
        enterPhase(entry, phase.tag === "probing" ? { ...phase, old: null } : { ...phase, process: null });
        if (died) this.#logDeath(entry, end);
      } else if (phase.tag === "closing") {
        this.#parts.closings.onExit(entry, end, died, atWork === 1);
      } else if (entry.phase.tag === "running") {
        if (died && end.kind === "outside") this.#onKill(entry, end);
        else if (died) this.#onDeath(entry, end, atWork === 1);
        else dispatcher.detach(entry, end.message);
      }
    }
    for (const queue of queues) dispatcher.dispatch(queue);
  }

  /** The code was replaced: what the old code did counts against no run. */
  clearSuspicion(queue: WorkflowQueue): void {
    for (const entry of queue.active) Object.assign(entry, { deaths: null, kills: null });
  }

  /** The workflow has left the configuration: gives runs in a process `drainMs` to finish there. */
  drainRemoved(queue: WorkflowQueue, drainMs: number): void {
    const old = [...queue.active].flatMap((entry) => {
      const process = processOf(entry);
      return process === null ? [] : [{ entry, process }];
    });
    if (old.length === 0) return;
    const reason = `workflow ${queue.name} left the configuration, and the run did not finish within ` +
      formatDuration(drainMs);
    this.#parts.timers.after(drainMs, () => {
      // The workflow is back.
      if (queue.plan !== null) return;
      for (const { entry, process } of old) {
        if (processOf(entry) === process) void this.#parts.dispatcher.endRun(entry, "interrupted", reason);
      }
    });
  }

  /** The manager stops: takes the run off its process and leaves its stored state as it is. */
  detachForStop(entry: RunEntry): void {
    const { phase, run } = entry;
    if (phase.tag === "closing") return this.#parts.closings.detach(entry, phase.process);
    if (phase.tag === "probing") {
      this.#parts.assignments.leave(entry, "the daemon stops");
      return this.#parts.dispatcher.detach(entry, "the daemon stopped");
    }
    if (phase.tag === "moving") {
      this.#parts.assignments.leave(entry, "the daemon stops");
      return enterPhase(entry, { tag: "moving", process: null });
    }
    if (phase.tag !== "running" && phase.tag !== "writing" && phase.tag !== "aborting") return;
    if (phase.process === null) return;
    if (phase.tag === "running") phase.process.abortRun(run.runId, run.attempt, "the daemon stops");
    this.#parts.assignments.release(phase.process, entry);
    if (phase.tag !== "aborting") this.#parts.dispatcher.detach(entry, "the daemon stopped");
  }

  /** The run continues, after a wait if this happened too often at this round. */
  #onKill(entry: RunEntry, end: ProcessExit): void {
    const { dispatcher, clock, timers } = this.#parts;
    entry.kills = countDeath(entry.kills, currentRoundOf(entry.run));
    const waitMs = waitAfterKills(entry.kills);
    const times = `${entry.kills.count} times at this round`;
    const why = waitMs === 0 ? end.message : `${end.message}, ${times}; the run waits ${formatDuration(waitMs)}`;
    this.#logDeath(entry, { ...end, message: why });
    entry.waitsUntil = clock.monotonic() + waitMs;
    if (waitMs > 0) timers.after(waitMs, () => dispatcher.dispatch(entry.queue));
    dispatcher.detach(entry, why);
  }

  #onDeath(entry: RunEntry, end: ProcessExit, alone: boolean): void {
    const { dispatcher, clock } = this.#parts;
    const round = currentRoundOf(entry.run);
    entry.deaths = countDeath(entry.deaths, round);
    if (!shouldEndRun(entry.deaths, alone) || entry.endsPending > 0) {
      this.#logDeath(entry, end);
      return dispatcher.detach(entry, end.message);
    }
    const reason = `its process died ${entry.deaths.count} times at round ${round}, the last time it ${end.message}`;
    enterPhase(entry, { tag: "ending" });
    void this.#endAsCrashed(entry, ...createEnding(entry.run, "crashed", reason, clock.now()));
  }

  async #endAsCrashed(entry: RunEntry, ...end: ReturnType<typeof createEnding>): Promise<void> {
    const { writer, dispatcher } = this.#parts;
    if (await writer.change(entry, ...end) || !writer.reconcile(entry)) return;
    dispatcher.detach(entry, "its end could not be stored");
    dispatcher.dispatch(entry.queue);
  }

  #logDeath(entry: RunEntry, end: ProcessExit): void {
    const { run } = entry;
    const payload = { attempt: run.attempt, round: currentRoundOf(run), cause: end.message };
    this.#parts.log(createRunRow(run, "run.crashed", payload));
  }
}

/** The process that works on the run; null when there is none. */
function processOf({ phase }: RunEntry): object | null {
  if (phase.tag === "probing") return phase.old;
  return phase.tag === "running" || phase.tag === "writing" || phase.tag === "moving" ? phase.process : null;
}
