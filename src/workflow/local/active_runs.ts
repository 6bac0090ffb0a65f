/**
 * The runs that have not ended, in memory: what the disk says of each (`run`), and what the manager is doing with it
 * (`phase`). Filled by manager.ts at start and by new runs; moved by dispatcher.ts, process_messages.ts and manager.ts.
 * I1. `run` changes only after the change is durable (run_writer.ts does it).
 * I2. A run holds a slot from the decision to start it until its end is durable and its last role has come to rest.
 */
import { assert } from "../../base/errors.ts";
import type { RoleFailure, Run } from "../../protocol/run.ts";
import type { WorkflowPlan } from "../engine.ts";
import type { Deaths } from "./crash_policy.ts";
import type { Phase } from "./phase.ts";

export interface RunEntry {
  readonly queue: WorkflowQueue;
  run: Run;
  phase: Phase;
  deaths: Deaths | null;
  /** The newest failed attempt of a role, on disk. */
  failed: RoleFailure | null;
  /** The wait after `failure`, and when it ends by the monotonic time: a timer then brings it forward again. */
  rest: { readonly failure: RoleFailure; readonly until: number } | null;
  /** Ends being written that its process has no part in (kill, drop, interrupt): nothing new is begun for it. */
  endsPending: number;
  /** Why it is in no process, for the row that resumes it. */
  detachedBy: string;
  /** Ends when its first row is durable; fails when that could not be written. */
  created: Promise<void>;
  /** Who waits for its end. */
  followers: ((run: Run) => void)[];
}

/** The runs of one workflow: a queue, and the runs that hold a slot. Both in the order in which they came. */
export interface WorkflowQueue {
  readonly name: string;
  /** Null when the workflow is not in the configuration. */
  plan: WorkflowPlan | null;
  readonly queued: Set<RunEntry>;
  readonly active: Set<RunEntry>;
}

export class ActiveRuns {
  readonly #entries = new Map<string, RunEntry>();
  readonly #queues = new Map<string, WorkflowQueue>();

  get(runId: string): RunEntry | null {
    return this.#entries.get(runId) ?? null;
  }

  entries(): Iterable<RunEntry> {
    return this.#entries.values();
  }

  queues(): Iterable<WorkflowQueue> {
    return this.#queues.values();
  }

  /** Null when nothing was ever heard of such a workflow. */
  queue(name: string): WorkflowQueue | null {
    return this.#queues.get(name) ?? null;
  }

  addQueue(name: string): WorkflowQueue {
    let queue = this.#queues.get(name);
    if (queue === undefined) {
      queue = { name, plan: null, queued: new Set(), active: new Set() };
      this.#queues.set(name, queue);
    }
    return queue;
  }

  /** Adds a run and gives it its place: a slot when it is started, the end of the queue when it is queued. */
  add(run: Run, phase: Phase): RunEntry {
    assert(!this.#entries.has(run.runId), `run ${run.runId} is in the table twice`);
    const queue = this.addQueue(run.workflow);
    const created = Promise.resolve();
    const entry: RunEntry = {
      queue: queue,
      run,
      phase,
      deaths: null,
      failed: null,
      rest: null,
      endsPending: 0,
      detachedBy: "",
      created,
      followers: [],
    };
    this.#entries.set(run.runId, entry);
    if (run.status === "started") queue.active.add(entry);
    if (run.status === "queued") queue.queued.add(entry);
    return entry;
  }

  /** Takes a run out. A lingering one keeps its slot until `queue.slots` loses it too. */
  remove(entry: RunEntry): void {
    this.#entries.delete(entry.run.runId);
    entry.queue.queued.delete(entry);
    if (entry.phase.tag !== "aborting") entry.queue.active.delete(entry);
  }

  /** False once the run has ended: what was under way for it has nothing to do any more. */
  has(entry: RunEntry): boolean {
    return this.#entries.get(entry.run.runId) === entry;
  }
}
