/**
 * Which process holds which runs, and what happens to a role that does not come to rest.
 * Filled by dispatcher.ts; asked by process_messages.ts (may this process speak of that run?) and by manager.ts.
 * I1. A run is in at most one process. A process may speak only of the runs it holds.
 * I2. A run that ended while its role was at work is told to abort. If the role has not come to rest after
 *     `killGraceMs`, its process is recycled; until then the run keeps its slot, because it still uses the machine.
 * I3. A recycled process is no death of the other runs on it: they go on elsewhere.
 */
import { assert } from "../../base/errors.ts";
import { killGraceMs } from "../../base/limits.ts";
import type { CancelTimer, Clock } from "../../base/time.ts";
import type { RunEntry } from "./active_runs.ts";
import { enterPhase } from "./phase.ts";
import type { WorkflowProcess } from "./ports.ts";

interface Holder {
  readonly process: WorkflowProcess;
  readonly runs: Map<string, RunEntry>;
  /** By run id: the grace of a run that lingers, or the deadline of its role. */
  readonly limits: Map<string, CancelTimer>;
  /** True once it was told to end: its end is then no death of the runs on it. */
  recycling: boolean;
}

/** What was on a process that is gone. */
export interface Abandoned {
  readonly runs: readonly RunEntry[];
  readonly recycled: boolean;
}

export class Assignments {
  readonly #holders = new Map<number, Holder>();
  readonly #clock: Clock;
  /** Called when a process holds no run any more. */
  readonly #freed: (processId: number) => void;

  constructor(clock: Clock, freed: (processId: number) => void) {
    this.#clock = clock;
    this.#freed = freed;
  }

  assign(process: WorkflowProcess, entry: RunEntry): void {
    let holder = this.#holders.get(process.id);
    if (holder === undefined) {
      holder = { process, runs: new Map(), limits: new Map(), recycling: false };
      this.#holders.set(process.id, holder);
    }
    assert(!holder.runs.has(entry.run.runId), "a run was given to a process that holds it");
    holder.runs.set(entry.run.runId, entry);
  }

  /** The run, if this process holds it. */
  held(processId: number, runId: string): RunEntry | null {
    return this.#holders.get(processId)?.runs.get(runId) ?? null;
  }

  busy(processId: number): boolean {
    return this.#holders.has(processId);
  }

  /** True for a process that was told to end and has not: nothing new is given to it. */
  recycling(processId: number): boolean {
    return this.#holders.get(processId)?.recycling ?? false;
  }

  /** True when no process holds any run. */
  get idle(): boolean {
    return this.#holders.size === 0;
  }

  /** Every run that some process holds. */
  all(): RunEntry[] {
    return [...this.#holders.values()].flatMap((holder) => [...holder.runs.values()]);
  }

  /** The process has nothing to do with the run any more. */
  release(process: WorkflowProcess, entry: RunEntry): void {
    const holder = this.#holders.get(process.id);
    if (holder === undefined) return;
    const { runId } = entry.run;
    this.#unlimit(holder, runId);
    holder.runs.delete(runId);
    if (entry.phase.tag === "aborting") entry.queue.active.delete(entry);
    if (holder.runs.size > 0) return;
    this.#holders.delete(process.id);
    this.#freed(process.id);
  }

  /** The run has ended, and its role is still at work in `process`. */
  abort(process: WorkflowProcess, entry: RunEntry, reason: string): void {
    const holder = this.#holders.get(process.id);
    assert(holder !== undefined, "a run lingers in a process that does not hold it");
    enterPhase(entry, { tag: "aborting", process });
    const { runId, attempt } = entry.run;
    this.#limit(holder, runId, killGraceMs, () => {
      this.#recycle(holder, `run ${runId} did not come to rest after it was told to abort`);
    });
    process.abortRun(runId, attempt, reason);
  }

  /**
   * Its role has `timeoutMs`, and to come to rest as long as after a kill. Then `late` is called; nothing is when the
   * run is released, or `atRest` is called, before.
   */
  setDeadline(process: WorkflowProcess, entry: RunEntry, timeoutMs: number, late: () => void): void {
    const holder = this.#holders.get(process.id);
    if (holder !== undefined) this.#limit(holder, entry.run.runId, timeoutMs + killGraceMs, late);
  }

  /** The role of a run has had its say: it has no deadline any more. */
  clearDeadline(process: WorkflowProcess, entry: RunEntry): void {
    const holder = this.#holders.get(process.id);
    if (holder !== undefined) this.#unlimit(holder, entry.run.runId);
  }

  /** Ends the process because a role of this run does not come to rest. */
  recycle(process: WorkflowProcess, reason: string): void {
    const holder = this.#holders.get(process.id);
    if (holder !== undefined) this.#recycle(holder, reason);
  }

  /** Forgets a process that is gone. */
  gone(processId: number): Abandoned {
    const holder = this.#holders.get(processId);
    if (holder === undefined) return { runs: [], recycled: false };
    this.#holders.delete(processId);
    for (const cancel of holder.limits.values()) cancel();
    const runs = [...holder.runs.values()];
    for (const entry of runs) if (entry.phase.tag === "aborting") entry.queue.active.delete(entry);
    return { runs, recycled: holder.recycling };
  }

  #recycle(holder: Holder, reason: string): void {
    if (holder.recycling) return;
    holder.recycling = true;
    holder.process.recycle(reason);
  }

  #limit(holder: Holder, runId: string, ms: number, late: () => void): void {
    this.#unlimit(holder, runId);
    holder.limits.set(runId, this.#clock.after(ms, late));
  }

  #unlimit(holder: Holder, runId: string): void {
    holder.limits.get(runId)?.();
    holder.limits.delete(runId);
  }
}
