/**
 * What the control API needs of the kernel. `kernel/` fits this by its shape; the tests hold a fake of it.
 * Everything here may be called while the kernel starts or stops. Errors are NerveErrors; `problem_response.ts` turns them into
 * answers.
 */
import type { Clock } from "../base/time.ts";
import type {
  AcceptedTrigger,
  ArchiveReply,
  ArchiveRequest,
  Health,
  ReloadReply,
  SenseView,
  StartRunRequest,
  WorkflowView,
} from "../protocol/api.ts";
import type { LogRow } from "../protocol/log.ts";
import type { ArchivedRecords, Records } from "../protocol/queries.ts";
import type { Run } from "../protocol/run.ts";

/** What the server hands to every request. */
export interface ControlEnv {
  readonly Bindings: {
    /** Aborts when the client has gone before it had its whole answer. A signal of the Request would cost each one more. */
    readonly gone: AbortSignal;
    /** Aborts when the API stops: answers that wait, and streams, end then. */
    readonly stopping: AbortSignal;
    readonly clock: Clock;
  };
}

/** Rows as they get on disk, in the order of their ids. */
export interface LogFollower extends AsyncIterable<LogRow> {
  /** Rows that this reader has lost because it read too slowly; they are in the log. */
  readonly dropped: number;
  close(): void;
}

export interface KernelPort {
  readonly records: Records;
  readonly history: ArchivedRecords;
  /** Every row that gets on disk from now on. */
  followLog(): LogFollower;
  health(): Health;
  senses(): SenseView[];
  /** Null: there is no such sense. */
  sense(name: string): SenseView | null;
  triggerSense(name: string): AcceptedTrigger | null;
  /** Lifts the quarantine of its group, or the wait after a death: whether there was one. Null: no such sense. */
  resetSense(name: string): boolean | null;
  workflows(): WorkflowView[];
  /** The same for a workflow. */
  resetWorkflow(name: string): boolean | null;
  /** Brings nerve.yaml and all code to what is on disk; resolves when that is done. What is wrong is in the answer. */
  reload(): Promise<ReloadReply>;
  /** Moves whole days of the log into the archive; resolves when that is done. Throws USAGE, STORE_FAILED. */
  archive(request: ArchiveRequest): Promise<ArchiveReply>;
  /** Throws WORKFLOW_UNKNOWN, PAYLOAD_INVALID, RUN_CONFLICT. The run is on disk when this resolves. */
  startRun(workflow: string, request: StartRunRequest): Promise<Run>;
  /** Ends a run as killed, for good; the run as it is then on disk. Throws RUN_UNKNOWN, RUN_ENDED. */
  killRun(runId: string, reason: string | null): Promise<Run>;
  /** Resolves when the run has ended, or at once when it has, is unknown, or `gone` has aborted. */
  runEnded(runId: string, gone: AbortSignal): Promise<void>;
}
