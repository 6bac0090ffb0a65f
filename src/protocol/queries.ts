/** What a reader may ask of the log and of the runs, with a daemon or without one. */
import type { LogFilter, LogRow } from "./log.ts";
import type { Run, RunMessage, RunStatus } from "./run.ts";

/** Which runs to list, newest first. */
export interface RunQuery {
  readonly workflow?: string;
  readonly statuses?: readonly RunStatus[];
  /** Only runs that began before the run of this id; none when there is no such run. */
  readonly before?: string;
  readonly limit: number;
  readonly offset: number;
}

/** Which messages of a run: the newest `limit` (default: all) before round `beforeRound`, oldest first. */
export interface MessageQuery {
  readonly beforeRound?: number;
  readonly limit?: number;
}

/** `total` counts everything that the filter lets through, whatever `before`, `limit` and `offset` say. */
export interface RunPage {
  readonly items: Run[];
  readonly total: number;
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
export interface ArchivedRecords {
  messages(runId: string, query: MessageQuery, gone: AbortSignal): Promise<RunMessage[]>;
  /** Archived rows of the run that `refId` names are always among them, all others with `archived`. */
  logs(filter: LogFilter, archived: boolean, gone: AbortSignal): Promise<LogRow[]>;
}
