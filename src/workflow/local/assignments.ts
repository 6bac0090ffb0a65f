/**
 * Tracks which process works on which runs, and recycles a process whose role does not settle. dispatcher.ts assigns
 * runs; process_messages.ts checks here whether a process may report on a run.
 * I1. A run is in at most one process. A process may report only on the runs assigned to it. A process that is asked
 *     whether a run may move to it (code_moves.ts) only has a place for the run: it may answer, and nothing else.
 * I2. A run that ended while its role was running is aborted. If the role has not settled after `killGraceMs`, its
 *     process is recycled. Until then the run keeps its slot, because it still uses the machine.
 * I3. Recycling a process does not count as a death of the other runs in it: they continue in the next process.
 */
import { assert } from "../../base/errors.ts";
import { killGraceMs } from "../../base/limits.ts";
import type { CancelTimer, Clock } from "../../base/time.ts";
import type { RunEntry } from "./active_runs.ts";
import { enterPhase } from "./phase.ts";
import type { WorkflowProcess } from "./ports.ts";

interface AssignedProcess {
  readonly process: WorkflowProcess;
  readonly runs: Map<string, RunEntry>;
  /** Runs that may move here. */
  readonly probed: Map<string, RunEntry>;
  /** By run id: the grace period of an aborting run, the deadline of its role, or that of a probe. */
  readonly timers: Map<string, CancelTimer>;
  /** True after `recycle`: its exit is then not a death of its runs. */
  recycled: boolean;
}

/** The runs of a process that has exited. */
export interface DetachedRuns {
  readonly runs: readonly RunEntry[];
  readonly probed: readonly RunEntry[];
  readonly recycled: boolean;
}

export class Assignments {
  readonly #processes = new Map<number, AssignedProcess>();
  readonly #awaited = new Set<{ readonly runId: string; readonly resolve: () => void }>();
  readonly #clock: Clock;
  /** Called when a process has no runs left. */
  readonly #onProcessIdle: (processId: number) => void;

  constructor(clock: Clock, onProcessIdle: (processId: number) => void) {
    this.#clock = clock;
    this.#onProcessIdle = onProcessIdle;
  }

  assign(process: WorkflowProcess, entry: RunEntry): void {
    const holder = this.#holderOf(process);
    assert(!holder.runs.has(entry.run.runId), "a run was assigned to its process twice");
    holder.runs.set(entry.run.runId, entry);
  }

  /** Keeps a place in the process for a run that may move there. Calls `onLate` after `ms`, unless that ends first. */
  reserve(process: WorkflowProcess, entry: RunEntry, ms: number, onLate: () => void): void {
    const holder = this.#holderOf(process), { runId } = entry.run;
    assert(!holder.runs.has(runId), "a run was probed in its own process");
    holder.probed.set(runId, entry);
    this.#startTimer(holder, runId, ms, onLate);
  }

  /** The run has moved to the process that has a place for it. */
  occupy(process: WorkflowProcess, entry: RunEntry): void {
    const holder = this.#holderOf(process);
    assert(holder.probed.delete(entry.run.runId), "a run moved to a process that has no place for it");
    this.#cancelTimer(holder, entry.run.runId);
    holder.runs.set(entry.run.runId, entry);
  }

  /** The run, if this process has a place for it. */
  findProbed(processId: number, runId: string): RunEntry | null {
    return this.#processes.get(processId)?.probed.get(runId) ?? null;
  }

  /** The run, if it is assigned to this process. */
  findAssigned(processId: number, runId: string): RunEntry | null {
    return this.#processes.get(processId)?.runs.get(runId) ?? null;
  }

  /** Resolves when no process has the run any longer: an aborted role may still run. */
  async whenReleased(runId: string): Promise<void> {
    while (this.#holdersOf(runId).length > 0) {
      await new Promise<void>((resolve) => this.#awaited.add({ runId, resolve }));
    }
  }

  /** Whether a process has the run, or a place for it. */
  hasRun(runId: string): boolean {
    return this.#holdersOf(runId).length > 0;
  }

  #holdersOf(runId: string): AssignedProcess[] {
    return [...this.#processes.values()].filter(({ runs, probed }) => runs.has(runId) || probed.has(runId));
  }

  #tellReleased(runIds: Iterable<string>): void {
    const gone = new Set(runIds);
    for (const each of this.#awaited) {
      if (!gone.has(each.runId)) continue;
      this.#awaited.delete(each);
      each.resolve();
    }
  }

  /** Whether the run is in this process, or has a place there. */
  holds(processId: number, runId: string): boolean {
    return (this.findAssigned(processId, runId) ?? this.findProbed(processId, runId)) !== null;
  }

  /** The size of the messages of its runs, except for runs whose end is being written. */
  countThreadBytes(processId: number): number {
    let bytes = 0;
    const holder = this.#processes.get(processId);
    for (const { phase, threadBytes } of [...holder?.runs.values() ?? [], ...holder?.probed.values() ?? []]) {
      if (phase.tag !== "ending") bytes += threadBytes;
    }
    return bytes;
  }

  isBusy(processId: number): boolean {
    return this.#processes.has(processId);
  }

  /** True while a recycled process has not exited: no new run is assigned to it. */
  isRecycling(processId: number): boolean {
    return this.#processes.get(processId)?.recycled ?? false;
  }

  /** True when no process has any run. */
  get idle(): boolean {
    return this.#processes.size === 0;
  }

  /** Every run that is assigned to a process, or has a place in one. */
  listRuns(): Iterable<RunEntry> {
    const holders = [...this.#processes.values()];
    return new Set(holders.flatMap(({ runs, probed }) => [...runs.values(), ...probed.values()]));
  }

  /** Takes the run off the process, or gives up its place there. */
  release(process: WorkflowProcess, entry: RunEntry): void {
    const holder = this.#processes.get(process.id);
    if (holder === undefined) return;
    const { runId } = entry.run;
    this.#cancelTimer(holder, runId);
    holder.runs.delete(runId);
    holder.probed.delete(runId);
    if (entry.phase.tag === "aborting") entry.queue.active.delete(entry);
    this.#tellReleased([runId]);
    if (holder.runs.size + holder.probed.size > 0) return;
    this.#processes.delete(process.id);
    this.#onProcessIdle(process.id);
  }

  /** Aborts the role, still running in `process`, of a run that has ended. */
  abort(process: WorkflowProcess, entry: RunEntry, reason: string): void {
    const holder = this.#processes.get(process.id);
    assert(holder !== undefined, "an aborted run is not assigned to its process");
    enterPhase(entry, { tag: "aborting", process });
    const { runId, attempt } = entry.run;
    this.#startTimer(holder, runId, killGraceMs, () => {
      this.#recycle(holder, `run ${runId} did not stop after it was aborted`);
    });
    process.abortRun(runId, attempt, reason);
  }

  /** Ends the work on a run in any phase, before its end can be recorded. */
  abandon(entry: RunEntry, reason: string): void {
    const { phase, run } = entry;
    if (phase.tag === "running") return this.abort(phase.process, entry, reason);
    if (phase.tag === "probing" || phase.tag === "moving") {
      this.leave(entry, reason);
      return enterPhase(entry, { tag: "ending" });
    }
    if (phase.tag !== "writing" || phase.process === null) return;
    // Its role has settled: it only waits for an acknowledgement that will not come.
    phase.process.abortRun(run.runId, run.attempt, reason);
    enterPhase(entry, { tag: "ending" });
    this.release(phase.process, entry);
  }

  /** Takes a probed or moving run off its processes: none of its roles is running. */
  leave(entry: RunEntry, reason: string): void {
    const { phase, run } = entry;
    if (phase.tag !== "probing" && phase.tag !== "moving") return;
    if (phase.process !== null) this.#abortAndRelease(phase.process, entry, run.attempt + 1, reason);
    if (phase.tag === "probing" && phase.old !== null) {
      this.#abortAndRelease(phase.old, entry, run.attempt, reason);
    }
  }

  #abortAndRelease(process: WorkflowProcess, entry: RunEntry, attempt: number, reason: string): void {
    process.abortRun(entry.run.runId, attempt, reason);
    this.release(process, entry);
  }

  /**
   * Gives the run's role `timeoutMs`, and then `killGraceMs` to settle. Calls `onLate` after that, unless the run was
   * released or `clearDeadline` was called first.
   */
  setDeadline(process: WorkflowProcess, entry: RunEntry, timeoutMs: number, onLate: () => void): void {
    const holder = this.#processes.get(process.id);
    if (holder !== undefined) this.#startTimer(holder, entry.run.runId, timeoutMs + killGraceMs, onLate);
  }

  /** The role of a run has reported its result: it no longer has a deadline. */
  clearDeadline(process: WorkflowProcess, entry: RunEntry): void {
    const holder = this.#processes.get(process.id);
    if (holder !== undefined) this.#cancelTimer(holder, entry.run.runId);
  }

  /** Ends the process because a role in it does not settle. */
  recycle(process: WorkflowProcess, reason: string): void {
    const holder = this.#processes.get(process.id);
    if (holder !== undefined) this.#recycle(holder, reason);
  }

  /** Forgets a process that has exited. */
  removeProcess(processId: number): DetachedRuns {
    const holder = this.#processes.get(processId);
    if (holder === undefined) return { runs: [], probed: [], recycled: false };
    this.#processes.delete(processId);
    for (const cancel of holder.timers.values()) cancel();
    const runs = [...holder.runs.values()];
    this.#tellReleased([...holder.runs.keys(), ...holder.probed.keys()]);
    for (const entry of runs) if (entry.phase.tag === "aborting") entry.queue.active.delete(entry);
    return { runs, probed: [...holder.probed.values()], recycled: holder.recycled };
  }

  #holderOf(process: WorkflowProcess): AssignedProcess {
    let holder = this.#processes.get(process.id);
    if (holder === undefined) {
      holder = { process, runs: new Map(), probed: new Map(), timers: new Map(), recycled: false };
      this.#processes.set(process.id, holder);
    }
    return holder;
  }

  #recycle(holder: AssignedProcess, reason: string): void {
    if (holder.recycled) return;
    holder.recycled = true;
    holder.process.recycle(reason);
  }

  #startTimer(holder: AssignedProcess, runId: string, ms: number, onLate: () => void): void {
    this.#cancelTimer(holder, runId);
    holder.timers.set(runId, this.#clock.after(ms, onLate));
  }

  #cancelTimer(holder: AssignedProcess, runId: string): void {
    holder.timers.get(runId)?.();
    holder.timers.delete(runId);
  }
}
