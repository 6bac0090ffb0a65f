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
import type { WorkflowProcess } from "./ports.ts";

export type Phase =
  /** Its first row is being written. */
  | { readonly tag: "creating" }
  | { readonly tag: "queued" }
  /** queued -> started is being written. */
  | { readonly tag: "starting" }
  /** Started, and in no process. `ready`: no process has had its present attempt yet. */
  | { readonly tag: "waiting"; readonly ready: boolean }
  /** attempt + 1 is being written. */
  | { readonly tag: "resuming" }
  /** The moderator or a role is at work. */
  | { readonly tag: "running"; readonly process: WorkflowProcess }
  /** Message number `round` is being written, and `stored` becomes whether it was; null: the process has died meanwhile. */
  | {
    readonly tag: "writing";
    readonly process: WorkflowProcess | null;
    readonly round: number;
    readonly stored: Promise<boolean>;
  }
  /** An attempt of its role has failed; the row that says so is being written. It is in no process. */
  | { readonly tag: "failing" }
  /** The end that its process brought about is being written. */
  | { readonly tag: "ending" }
  /** Ended on disk; its role has been told to abort and has not come to rest. */
  | { readonly tag: "lingering"; readonly process: WorkflowProcess };

export interface RunEntry {
  readonly lane: Lane;
  run: Run;
  phase: Phase;
  deaths: Deaths | null;
  /** The newest failed attempt of a role, on disk. */
  failed: RoleFailure | null;
  /** The wait after `failure`, and when it ends by the monotonic time: a timer then brings it forward again. */
  rest: { readonly failure: RoleFailure; readonly until: number } | null;
  /** Ends being written that its process has no part in (kill, drop, interrupt): nothing new is begun for it. */
  leaving: number;
  /** Why it is in no process, for the row that resumes it. */
  lostTo: string;
  /** Ends when its first row is durable; fails when that could not be written. */
  created: Promise<void>;
  /** Who waits for its end. */
  followers: ((run: Run) => void)[];
}

/** The runs of one workflow: a queue, and the runs that hold a slot. Both in the order in which they came. */
export interface Lane {
  readonly name: string;
  /** Null when the workflow is not in the configuration. */
  plan: WorkflowPlan | null;
  readonly queue: Set<RunEntry>;
  readonly slots: Set<RunEntry>;
}

export class RunTable {
  readonly #entries = new Map<string, RunEntry>();
  readonly #lanes = new Map<string, Lane>();

  get(runId: string): RunEntry | null {
    return this.#entries.get(runId) ?? null;
  }

  entries(): Iterable<RunEntry> {
    return this.#entries.values();
  }

  lanes(): Iterable<Lane> {
    return this.#lanes.values();
  }

  /** Null when nothing was ever heard of such a workflow. */
  lane(name: string): Lane | null {
    return this.#lanes.get(name) ?? null;
  }

  openLane(name: string): Lane {
    let lane = this.#lanes.get(name);
    if (lane === undefined) {
      lane = { name, plan: null, queue: new Set(), slots: new Set() };
      this.#lanes.set(name, lane);
    }
    return lane;
  }

  /** Adds a run and gives it its place: a slot when it is started, the end of the queue when it is queued. */
  add(run: Run, phase: Phase): RunEntry {
    assert(!this.#entries.has(run.runId), `run ${run.runId} is in the table twice`);
    const lane = this.openLane(run.workflow);
    const created = Promise.resolve();
    const entry: RunEntry = {
      lane,
      run,
      phase,
      deaths: null,
      failed: null,
      rest: null,
      leaving: 0,
      lostTo: "",
      created,
      followers: [],
    };
    this.#entries.set(run.runId, entry);
    if (run.status === "started") lane.slots.add(entry);
    if (run.status === "queued") lane.queue.add(entry);
    return entry;
  }

  /** Takes a run out. A lingering one keeps its slot until `lane.slots` loses it too. */
  remove(entry: RunEntry): void {
    this.#entries.delete(entry.run.runId);
    entry.lane.queue.delete(entry);
    if (entry.phase.tag !== "lingering") entry.lane.slots.delete(entry);
  }

  /** False once the run has ended: what was under way for it has nothing to do any more. */
  has(entry: RunEntry): boolean {
    return this.#entries.get(entry.run.runId) === entry;
  }
}
