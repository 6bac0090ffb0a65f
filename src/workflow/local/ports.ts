/**
 * What the workflow manager needs from others: durable storage of runs, and processes that work on them.
 * `store/runs/run_store.ts` and `kernel/workflow_host.ts` fit these by their shape.
 */
import type { NewLogRow } from "../../protocol/log.ts";
import type { RoleFailure, Run, RunChange, RunMessage, RunRef, RunStart, RunStatus } from "../../protocol/run.ts";

/**
 * Every promise resolves after the fsync of the commit that holds its change and its log row. Calls take effect in
 * their order. To its row the store adds what was changed: of a new run, everything.
 */
export interface RunStore {
  /** Inserts the run with its first log row. False, and no row, when the id exists already. */
  create(run: Run, row: NewLogRow): Promise<boolean>;
  /**
   * Changes a run that has one of the statuses `from` and, if they are given, the attempt `fence` and so many `rounds`;
   * the log row is written only then. False: somebody was first, and nothing changed.
   */
  transition(
    runId: string,
    guard: { from: readonly RunStatus[]; fence?: number; rounds?: number },
    change: RunChange,
    row: NewLogRow,
  ): Promise<boolean>;
  /**
   * Stores message number `message.round` of a started run and its log row. False unless the run is `started`, its
   * attempt is `attempt`, and it holds exactly `message.round - 1` messages.
   */
  appendMessage(run: RunRef, message: RunMessage): Promise<boolean>;
  /**
   * Writes the row of a failed attempt of the role of round `failure.round`. False, and no row, unless the run is
   * `started`, its attempt is `attempt`, and it holds exactly `failure.round - 1` messages.
   */
  roleFailed(run: RunRef, failure: RoleFailure): Promise<boolean>;
  /** What the newest of those rows tells, whatever its round; null when the run has none. */
  lastFailure(runId: string): RoleFailure | null;
  /** The run as of everything that was told so far, or null. */
  get(runId: string): Run | null;
  messages(runId: string): RunMessage[];
  /** Runs that are `queued` or `started`, in the order in which they were created. */
  unfinished(): Run[];
}

/** One process of a workflow. Calls before it is ready are kept in order; after its end they do nothing. */
export interface WorkflowProcess {
  /** Never given to another process. */
  readonly id: number;
  readonly workflow: string;
  /** `failures`: how often the role of the present round has failed already. */
  run(start: RunStart, attempt: number, messages: readonly RunMessage[], failures: number): void;
  ack(runId: string, attempt: number, message: RunMessage): void;
  abortRun(runId: string, attempt: number, reason: string): void;
  /** Kills the process; the manager hears of its end as of any other, through `processGone`. */
  recycle(reason: string): void;
}

export interface WorkflowHost {
  /**
   * The workflow's current process, started if there is none. Null while it may not start (backoff, quarantine):
   * `WorkflowManager.workflowAvailable` is called when it may again. When the manager is told that a process is gone
   * it asks at once for the next: by then the host must know whether there may be one.
   */
  process(workflow: string): WorkflowProcess | null;
  /** True while `process` stays null until somebody lifts it; then new runs queue or drop. A backoff is not one. */
  quarantined(workflow: string): boolean;
}

/** Why a process is gone. Only a `crash` counts as a death of the runs that were on it. */
export interface ProcessExit {
  readonly kind: "crash" | "recycled" | "idle" | "drained" | "stopped";
  readonly message: string;
}
