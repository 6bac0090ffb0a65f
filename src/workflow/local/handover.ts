/**
 * Takes runs over from a distributed engine, and gives them up again. Called by manager.ts for cluster/engines.ts.
 * I1. A run that is taken continues from what is stored, as after a restart of the daemon.
 * I2. For a run that is given up nothing more is written: its role is aborted, and it leaves memory.
 */
import type { Run } from "../../protocol/run.ts";
import { isTerminal } from "../transitions.ts";
import type { ActiveRuns } from "./active_runs.ts";
import type { Assignments } from "./assignments.ts";
import type { ChildRuns } from "./children.ts";
import type { Closings } from "./closings.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { enterPhase } from "./phase.ts";
import type { RunStore } from "./ports.ts";
import type { RunAdmission } from "./run_admission.ts";
import type { Waits } from "./waits.ts";

export interface HandoverParts {
  readonly runs: ActiveRuns;
  readonly assignments: Assignments;
  readonly dispatcher: Dispatcher;
  readonly admission: Pick<RunAdmission, "planned" | "admitQueued">;
  readonly waits: Waits;
  readonly closings: Closings;
  readonly children: Pick<ChildRuns, "onEnded">;
  readonly store: RunStore;
}

export class Handover {
  readonly #parts: HandoverParts;

  constructor(parts: HandoverParts) {
    this.#parts = parts;
  }

  /** Continues the run here, from what is stored. */
  async adopt(runId: string): Promise<void> {
    const { store, runs, assignments } = this.#parts;
    // One of its roles may not have settled since this daemon gave the run up.
    await assignments.whenReleased(runId);
    const run = store.get(runId);
    if (run === null || runs.get(runId) !== null) return;
    this.#enter(run);
    this.#parts.dispatcher.dispatch(runs.getOrAddQueue(run.workflow));
  }

  #enter(run: Run): void {
    const { store, runs, admission, waits, closings } = this.#parts, { runId, status } = run;
    const queue = runs.getOrAddQueue(run.workflow);
    if (isTerminal(status)) closings.onEnded(queue);
    else if (status === "paused") queue.paused.set(runId, store.readPause(runId)?.from !== "queued");
    else if (status === "waiting") {
      queue.waiting++;
      waits.rearm(run, queue);
    } else if (status === "queued") {
      const entry = runs.add(run, { tag: "queued" }), starts = store.readPlanned(runId);
      if (starts !== null) admission.planned.restore(entry, starts);
      if (entry.phase.tag === "queued") admission.admitQueued(entry);
    } else {
      const entry = runs.add(run, { tag: "unassigned", ready: false });
      entry.detachReason = "its daemon was gone";
      entry.lastFailure = store.readLastFailure(runId);
      const role = store.readBegun(runId);
      if (role !== null) entry.begun = { role, stored: true };
    }
  }

  /** A run that others worked on is over: notifies those who wait for its end. */
  tell(run: Run): void {
    for (const follower of this.#parts.runs.takeFollowers(run.runId)) follower(run);
    this.#parts.children.onEnded(run);
  }

  /** The run continues elsewhere: all work on it here ends. */
  release(runId: string, reason: string): void {
    const { runs, assignments, dispatcher, closings, store } = this.#parts, entry = runs.get(runId);
    const run = entry?.run ?? store.get(runId);
    if (run === null) return;
    const queue = runs.getOrAddQueue(run.workflow);
    if (entry !== null) {
      assignments.abandon(entry, reason);
      if (entry.phase.tag !== "aborting") enterPhase(entry, { tag: "ending" });
      runs.remove(entry);
    }
    if (run.status === "waiting") queue.waiting--;
    queue.paused.delete(runId);
    closings.leave(queue, runId);
    dispatcher.dispatch(queue);
  }
}
