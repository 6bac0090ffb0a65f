/**
 * The unfinished runs in memory: the stored state of each (`run`), and what the engine does with it (`phase`).
 * recovery.ts and run_admission.ts add runs; the other files of this folder move them from phase to phase. A waiting
 * run is in memory only while something is done about it (waits.ts).
 * I1. `run` changes only after the change is durable (run_writer.ts changes it).
 * I2. A run holds a slot from the decision to start it until its end is durable and its last role has settled.
 */
import { assert } from "../../base/errors.ts";
import type { RoleBegun, RoleFailure, Run, RunStatus } from "../../protocol/run.ts";
import type { WorkflowPlan } from "../engine.ts";
import type { Deaths } from "./crash_policy.ts";
import type { Phase } from "./phase.ts";

export interface RunEntry {
  readonly queue: WorkflowQueue;
  run: Run;
  phase: Phase;
  deaths: Deaths | null;
  /** How often its process was killed from outside at this round, and until when it waits for that (monotonic). */
  kills: Deaths | null;
  waitsUntil: number;
  /** The newest failed attempt of a role, as stored. */
  lastFailure: RoleFailure | null;
  /**
   * The role that runs once and has begun, or is about to: its end is unknown until its message is on disk. `stored`:
   * whether its row is on disk.
   */
  begun: { readonly role: RoleBegun; readonly stored: boolean } | null;
  /** The wait after `failure`, and its latest end in monotonic time. A timer then dispatches the run again. */
  retryWait: { readonly failure: RoleFailure; readonly until: number } | null;
  /**
   * Ends being written that its process did not cause (kill, drop, interrupt). While there are any, nothing new starts.
   */
  endsPending: number;
  /** The size of its messages, content and `meta`; for a run from before the start, at first their size in the log. */
  threadBytes: number;
  /** How many rounds a person has accepted, as last read. */
  accepted: number;
  /** The newest code (`WorkflowQueue.code`) that worked on it, or refused to. */
  triedCode: number;
  /** Why it is in no process; recorded in the row that resumes it. */
  detachReason: string;
  /** It has left memory: pending writes for it no longer count. */
  left: boolean;
  /** Resolves when its first row is durable; rejects when that row could not be written. */
  created: Promise<void>;
}

/** The runs of one workflow: those in the queue, and those that hold a slot. Both in order of arrival. */
export interface WorkflowQueue {
  readonly name: string;
  /** Null when the workflow is not in the configuration. */
  plan: WorkflowPlan | null;
  /** Counts how often the code was replaced. */
  code: number;
  readonly queued: Set<RunEntry>;
  /** Queued runs whose start time has not come. */
  readonly planned: Set<RunEntry>;
  readonly active: Set<RunEntry>;
  /** How many of its runs wait, in memory or not. */
  waiting: number;
  /** Started runs that have ended and whose `finally` still has to run: each takes a slot (closings.ts). */
  readonly closing: Set<RunEntry>;
  /** Its paused runs, none of them in memory: whether each keeps a slot. */
  readonly paused: Map<string, boolean>;
}

/** Whether a run that waits keeps its slot. */
export function keepsSlots({ plan }: WorkflowQueue): boolean {
  return plan?.waiting !== "release";
}

/** How many slots of `concurrency` are taken. */
export function countSlots(queue: WorkflowQueue): number {
  const { active, closing, waiting, paused } = queue;
  if (!keepsSlots(queue)) return active.size + closing.size;
  return active.size + closing.size + waiting + [...paused.values()].filter((keepsSlot) => keepsSlot).length;
}

export function createEntry(queue: WorkflowQueue, run: Run, phase: Phase): RunEntry {
  return {
    queue,
    run,
    phase,
    deaths: null,
    kills: null,
    waitsUntil: 0,
    lastFailure: null,
    begun: null,
    retryWait: null,
    endsPending: 0,
    threadBytes: 0,
    accepted: 0,
    triedCode: 0,
    detachReason: "",
    left: false,
    created: Promise.resolve(),
  };
}

export class ActiveRuns {
  readonly #entries = new Map<string, RunEntry>();
  readonly #queues = new Map<string, WorkflowQueue>();
  /** By run id: callers that wait for its end. */
  readonly #followers = new Map<string, ((run: Run) => void)[]>();

  get(runId: string): RunEntry | null {
    return this.#entries.get(runId) ?? null;
  }

  entries(): Iterable<RunEntry> {
    return this.#entries.values();
  }

  queues(): Iterable<WorkflowQueue> {
    return this.#queues.values();
  }

  /** Null when the workflow was never configured and never had a run. */
  findQueue(name: string): WorkflowQueue | null {
    return this.#queues.get(name) ?? null;
  }

  getOrAddQueue(name: string): WorkflowQueue {
    let queue = this.#queues.get(name);
    if (queue === undefined) {
      const sets = { queued: new Set<RunEntry>(), planned: new Set<RunEntry>(), active: new Set<RunEntry>() };
      queue = { name, plan: null, code: 0, ...sets, waiting: 0, closing: new Set(), paused: new Map() };
      this.#queues.set(name, queue);
    }
    return queue;
  }

  /** Adds a run: a started one takes a slot, a queued one joins the queue at its end, a waiting one is counted. */
  add(run: Run, phase: Phase): RunEntry {
    assert(!this.#entries.has(run.runId), `run ${run.runId} is in the table twice`);
    const queue = this.getOrAddQueue(run.workflow);
    const entry = createEntry(queue, run, phase);
    this.#entries.set(run.runId, entry);
    if (run.status === "started") queue.active.add(entry);
    if (run.status === "queued") queue.queued.add(entry);
    return entry;
  }

  /** Sorts the queue in the order of `stored`, in which the runs were created. Runs not stored yet come last. */
  sortQueue({ queued }: WorkflowQueue, stored: readonly Run[]): void {
    const places = new Map(stored.map(({ runId }, place) => [runId, place]));
    const placeOf = ({ run: { runId } }: RunEntry) => places.get(runId) ?? Infinity;
    const sorted = [...queued].sort((a, b) => placeOf(a) < placeOf(b) ? -1 : placeOf(a) > placeOf(b) ? 1 : 0);
    queued.clear();
    for (const entry of sorted) queued.add(entry);
  }

  /** A change of the run's status is on disk: a waiting run takes no slot as an active one. */
  onStatus(entry: RunEntry, before: RunStatus): void {
    const { queue, run: { status } } = entry;
    if (before === status) return;
    if (before === "waiting") queue.waiting--;
    if (status === "paused") queue.paused.set(entry.run.runId, before !== "queued");
    else queue.paused.delete(entry.run.runId);
    if (status === "waiting") {
      queue.waiting++;
      queue.active.delete(entry);
    } else if (status === "started") queue.active.add(entry);
  }

  /** Calls `follower` with the run once it has ended. */
  follow(runId: string, follower: (run: Run) => void): void {
    const all = this.#followers.get(runId);
    if (all === undefined) this.#followers.set(runId, [follower]);
    else all.push(follower);
  }

  /** Returns the followers of a run, and forgets them. */
  takeFollowers(runId: string): ((run: Run) => void)[] {
    const all = this.#followers.get(runId) ?? [];
    this.#followers.delete(runId);
    return all;
  }

  /** The runs that have followers. */
  followed(): string[] {
    return [...this.#followers.keys()];
  }

  /** Removes a run. An aborting run keeps its slot until it leaves `queue.active` too. */
  remove(entry: RunEntry): void {
    this.#entries.delete(entry.run.runId);
    entry.left = true;
    entry.queue.queued.delete(entry);
    entry.queue.planned.delete(entry);
    if (entry.phase.tag !== "aborting") entry.queue.active.delete(entry);
  }

  /** False after the run has ended: pending work for it must stop. */
  has(entry: RunEntry): boolean {
    return this.#entries.get(entry.run.runId) === entry;
  }
}
