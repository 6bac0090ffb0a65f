/** Queries of the log and of runs, with or without a daemon. */
import type { LogFilter, LogRow } from "./log.ts";
import type { Run, RunMessage, RunStatus } from "./run.ts";

/** Which runs to list, newest first. */
export interface RunQuery {
  readonly workflow?: string;
  readonly statuses?: readonly RunStatus[];
  /** Only runs created before the run with this id; none when there is no such run. */
  readonly before?: string;
  readonly limit: number;
  readonly offset: number;
}

/**
 * Which messages of a run: the newest `limit` (default: all) before round `beforeRound`, oldest first. Earlier ones that
 * would make the page larger than `pageMaxBytes` are left for the next page.
 */
export interface MessageQuery {
  readonly beforeRound?: number;
  readonly limit?: number;
}

/** `total` counts every run that passes the filter, regardless of `before`, `limit` and `offset`. */
export interface RunPage {
  readonly items: Run[];
  readonly total: number;
}

/** The filter of the one row that follows a page of rows; null when the page is empty. */
export function toNextRow(filter: LogFilter, rows: readonly LogRow[]): LogFilter | null {
  const last = rows.at(-1);
  if (last === undefined) return null;
  return { ...filter, ...(filter.order === "desc" ? { beforeId: last.id } : { afterId: last.id }), limit: 1 };
}

/** Reads the records on disk. Messages and rows come in pages: at most `limit`, and about `pageMaxBytes`. */
export interface Records {
  runs(query: RunQuery): RunPage;
  run(runId: string): Run | null;
  messages(runId: string, query: MessageQuery): RunMessage[];
  logs(filter: LogFilter): LogRow[];
}

/**
 * Reads records that may have moved from the log to its archive, whose files may be large. Throws DAEMON_MISSING when
 * `gone` aborts.
 */
export interface ArchivedRecords {
  messages(runId: string, query: MessageQuery, gone: AbortSignal): Promise<RunMessage[]>;
  /** Always includes archived rows of the run that `refId` names; with `archived`, all other archived rows too. */
  logs(filter: LogFilter, archived: boolean, gone: AbortSignal): Promise<LogRow[]>;
}
