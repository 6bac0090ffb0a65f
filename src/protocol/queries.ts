/** Queries of the log and of runs, with or without a daemon. */
import type { LogFilter, LogRow } from "./log.ts";
import type { Run, RunMessage, RunStatus } from "./run.ts";
import type { TextPage } from "./text_page.ts";

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
 * Which messages of a run to list: the newest `limit` (default: all) before round `beforeRound`, oldest first. Earlier
 * ones that would make the page larger than `pageMaxBytes` are left for the next page.
 */
export interface MessageQuery {
  readonly beforeRound?: number;
  readonly limit?: number;
}

/** `total` counts every run that matches the filter, regardless of `before`, `limit` and `offset`. */
export interface RunPage {
  readonly items: Run[];
  readonly total: number;
}

/** The filter that selects the row after a page; null when the page is empty. */
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
 * Reads pages off the event loop, as text. Each includes everything that was recorded before the request. Errors:
 * STORE_FAILED, CLIENTS_MANY, and DAEMON_MISSING when `gone` aborts.
 */
export interface PageReader {
  /** Newest first. */
  runs(query: RunQuery, gone: AbortSignal): Promise<TextPage>;
  /** Archived messages included. */
  messages(runId: string, query: MessageQuery, gone: AbortSignal): Promise<TextPage>;
  /** Always includes archived rows of the run that `refId` names; with `archived`, all other archived rows too. */
  logs(filter: LogFilter, archived: boolean, gone: AbortSignal): Promise<TextPage>;
  /** Rows of the log only, in pages of about `eventReplayBytes`. */
  rows(filter: LogFilter, gone: AbortSignal): Promise<TextPage>;
  /** Synchronous: the newest id of the log; 0 when it is empty. */
  lastRowId(): number;
  /** Synchronous: the first id of the log after this one; null when there is none. */
  nextRowId(after: number): number | null;
}
