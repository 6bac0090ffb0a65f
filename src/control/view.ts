/**
 * What the control API needs of the kernel. `kernel/` fits this by its shape; the tests hold a fake of it.
 * Everything here may be called while the kernel starts or stops. Errors are NerveErrors; `problem.ts` turns them into
 * answers.
 */
import type { Clock } from "../base/clock.ts";
import type {
  ArchiveReply,
  ArchiveRequest,
  Health,
  ReloadReply,
  RunPage,
  SenseView,
  StartRunRequest,
  TriggerReply,
  WorkflowView,
} from "../protocol/api.ts";
import type { ComputeResult } from "../protocol/api.ts";
import type { LogFilter, LogRow } from "../protocol/log.ts";
import type { Run, RunMessage, RunStatus } from "../protocol/run.ts";

/** Which runs to list, newest first. */
export interface RunQuery {
  readonly workflow?: string;
  readonly statuses?: readonly RunStatus[];
  /** Only runs that began before the run of this id. */
  readonly before?: string;
  readonly limit: number;
  readonly offset: number;
}

/** Which messages of a run: the newest `limit` before round `beforeRound`, oldest first. */
export interface MessageQuery {
  readonly beforeRound?: number;
  readonly limit: number;
}

/** Reads of what is on disk. */
export interface Records {
  runs(query: RunQuery): RunPage;
  run(runId: string): Run | null;
  messages(runId: string, query: MessageQuery): RunMessage[];
  logs(filter: LogFilter): LogRow[];
}

/**
 * Reads of what may have left the log for its archive: files that may be large. When `gone` aborts they throw
 * DAEMON_MISSING.
 */
export interface History {
  messages(runId: string, query: MessageQuery, gone: AbortSignal): Promise<RunMessage[]>;
  /** Archived rows of the run that `refId` names are always among them, all others with `archived`. */
  logs(filter: LogFilter, archived: boolean, gone: AbortSignal): Promise<LogRow[]>;
}

/**
 * A trigger by hand that was taken. `outcome` never rejects, it says how the compute ended; it is asked for in the turn of
 * the trigger, for afterwards the compute may be over.
 */
export interface AcceptedTrigger extends Omit<TriggerReply, "outcome"> {
  outcome(): Promise<ComputeResult>;
  /** Resolves when what has come of it so far is on disk, or lost because nothing can be written. */
  recorded(): Promise<void>;
}

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
export interface RowFeed extends AsyncIterable<LogRow> {
  /** Rows that this reader has lost because it read too slowly; they are in the log. */
  readonly dropped: number;
  close(): void;
}

export interface KernelView {
  readonly records: Records;
  readonly history: History;
  /** Every row that gets on disk from now on. */
  followLog(): RowFeed;
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
