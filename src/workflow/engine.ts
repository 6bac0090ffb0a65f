/**
 * The port of every workflow engine: what the kernel asks of the one that runs its workflows. `local/` is the embedded
 * engine.
 * A start with an id that exists attaches to that run instead of starting another. Whatever resolves is durable.
 */
import type { Json } from "../protocol/json.ts";
import type { Run, RunTrigger } from "../protocol/run.ts";

export interface RunRequest {
  readonly workflow: string;
  readonly prompt: string;
  readonly payload: Json;
  /** Null: what the configuration says for the workflow. */
  readonly maxRounds: number | null;
  /** Null: a new id. An id that exists attaches to that run. */
  readonly runId: string | null;
  readonly trigger: RunTrigger;
  /** The log row that asks for the run. */
  readonly causeId: number | null;
}

/** What the configuration says about one workflow. */
export interface WorkflowPlan {
  readonly name: string;
  readonly concurrency: number;
  readonly overflow: "drop" | "queue";
  readonly maxQueue: number;
  readonly maxRounds: number;
  readonly drainTimeoutMs: number;
}

/** One workflow at the moment. `waiting`: active runs that no process works on, such as in a quarantine. */
export interface WorkflowLoad {
  readonly workflow: string;
  readonly active: number;
  readonly unassigned: number;
  readonly queued: number;
}

export interface WorkflowEngine {
  /** Takes over what the configuration says; runs of a workflow that is gone end as interrupted. */
  configure(plans: readonly WorkflowPlan[]): void;
  /** Takes up the runs of the last daemon and begins to work. Call `configure` first. */
  start(): void;
  /** Begins nothing more, gives roles at work `drainMs`, and leaves the rest for the next start. */
  stop(drainMs?: number): Promise<void>;
  /** Errors: PAYLOAD_INVALID, WORKFLOW_UNKNOWN, RUN_CONFLICT, STORE_FAILED. */
  startRun(request: RunRequest): Promise<Run>;
  /** Errors: RUN_UNKNOWN, RUN_ENDED, STORE_FAILED. */
  killRun(runId: string, reason: string | null): Promise<Run>;
  /** The run once it has ended, or as it stands when the engine stops. Error: RUN_UNKNOWN. */
  runEnded(runId: string): Promise<Run>;
  /** New runs go to the workflow's new code. */
  codeReplaced(workflow: string): void;
  /** Every configured workflow, and those whose last runs are still there. */
  loads(): WorkflowLoad[];
}
