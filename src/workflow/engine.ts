/**
 * The port of every workflow engine: what the kernel needs from the engine that runs its workflows. `local/` has the
 * embedded engine, `cluster/` the distributed ones. Starting a run with an existing id attaches to that run. Every
 * change is durable when its promise resolves.
 */
import type { DecisionReply, DecisionRequest } from "../protocol/approval.ts";
import type { Moment } from "../base/moment.ts";
import type { Json } from "../protocol/json.ts";
import type { Run, RunTrigger } from "../protocol/run.ts";
import type { SendEventReply, SendEventRequest } from "../protocol/run_event.ts";

/** A new run begins with the first `rounds` messages of another run of its workflow. */
export interface Fork {
  readonly runId: string;
  readonly rounds: number;
}

export interface RunRequest {
  readonly workflow: string;
  readonly prompt: string;
  readonly payload: Json;
  /** Null: the workflow's configured limit. */
  readonly maxRounds: number | null;
  /** Null: a new id. An existing id attaches to that run. */
  readonly runId: string | null;
  readonly trigger: RunTrigger;
  /** The log row that caused the request; null when there is none. */
  readonly causeId: number | null;
  /** Null or absent: the run begins without messages. */
  readonly fork?: Fork | null;
  /** The run is queued until then. Null or absent: it starts now. */
  readonly starts?: Moment | null;
}

/** The configuration of one workflow. */
export interface WorkflowPlan {
  readonly name: string;
  /** The distributed engine that keeps its runs; null: the local one. */
  readonly engine: string | null;
  readonly concurrency: number;
  readonly overflow: "drop" | "queue";
  readonly maxQueue: number;
  readonly maxRounds: number;
  readonly drainTimeoutMs: number;
  /** The limit for the messages of one run, content and `meta`. */
  readonly maxThreadBytes: number;
  /** Whether a run that waits keeps its slot of `concurrency`. */
  readonly waiting: "keep" | "release";
  /** How much memory its process may use for user code. */
  readonly memoryBytes: number;
}

/** The current runs of one workflow. `unassigned`: active runs in no process, for example during a quarantine. */
export interface WorkflowLoad {
  readonly workflow: string;
  readonly active: number;
  readonly unassigned: number;
  /** Runs that wait for a slot, and planned ones. */
  readonly queued: number;
  /** Waiting and paused runs; neither count as active. */
  readonly waiting: number;
  readonly paused: number;
}

export interface WorkflowEngine {
  /** Applies the configuration. Runs of a workflow that is no longer configured end as interrupted. */
  configure(plans: readonly WorkflowPlan[]): void;
  /** Recovers the runs that the last daemon left unfinished, and begins to work. Call `configure` first. */
  start(): void;
  /** Starts nothing more, gives running roles `drainMs`, and leaves the rest to the next start. */
  stop(drainMs?: number): Promise<void>;
  /** Errors: PAYLOAD_INVALID, WORKFLOW_UNKNOWN, RUN_CONFLICT, STORE_FAILED. */
  startRun(request: RunRequest): Promise<Run>;
  /** Errors: RUN_UNKNOWN, RUN_ENDED, STORE_FAILED. */
  killRun(runId: string, reason: string | null): Promise<Run>;
  /** Errors of both: RUN_UNKNOWN, RUN_ENDED, STORE_FAILED. */
  pauseRun(runId: string, reason: string | null): Promise<Run>;
  resumeRun(runId: string, acceptCode?: boolean): Promise<Run>;
  /** Errors: RUN_UNKNOWN, RUN_ENDED, EVENT_CONFLICT, EVENTS_MANY, PAYLOAD_INVALID, STORE_FAILED. */
  sendEvent(runId: string, request: SendEventRequest): Promise<SendEventReply>;
  /** Errors: APPROVAL_UNKNOWN, APPROVAL_DECIDED, APPROVAL_STALE, RUN_ENDED, PAYLOAD_INVALID, STORE_FAILED. */
  decide(id: string, request: DecisionRequest): Promise<DecisionReply>;
  /** The run once it has ended, or as it stands when the engine stops. Error: RUN_UNKNOWN. */
  waitForEnd(runId: string): Promise<Run>;
  /** Call this when the workflow's code was replaced: new runs use the new code. */
  onCodeReplaced(workflow: string): void;
  /** For each run that is paused because its code contradicts its messages, a text with the reason. */
  describeHeldRuns(): string[];
  /** Every configured workflow, and removed ones that still have runs. */
  readLoads(): WorkflowLoad[];
  /** How many runs were dropped since the start, for lack of a slot or a place in the queue. */
  readonly dropped: number;
}
