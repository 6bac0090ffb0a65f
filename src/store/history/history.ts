/**
 * Reads runs, messages and rows from the log and from its archive: for one run always, for the whole log on request.
 * Used by the command line (cli/open_records.ts) and by the kernel's API (kernel/kernel_api.ts).
 * I1. A row that is archived during the read is returned once: the log is read first, and a day's file is in place
 *     before its rows leave the log.
 */
import type { LogFilter, LogRow } from "../../protocol/log.ts";
import type { MessageQuery } from "../../protocol/queries.ts";
import type { Run, RunMessage } from "../../protocol/run.ts";
import { ArchiveReader } from "../archive/archive_reader.ts";
import { defaultLogLimit } from "../log/log_sql.ts";
import type { StoreReader } from "../log/reader.ts";
import { mergePages, type Page } from "../reading/pages.ts";
import type { Steps } from "../reading/steps.ts";
import { toRunMessage } from "../runs/run_sql.ts";

export class History {
  readonly #reader: StoreReader;
  readonly #archive: ArchiveReader;

  constructor(reader: StoreReader, archiveFolder: string) {
    this.#reader = reader;
    this.#archive = new ArchiveReader(archiveFolder);
  }

  /** Like `StoreReader.messagePage`, with archived messages. */
  *messages(runId: string, query: MessageQuery): Steps<Page<RunMessage>> {
    const run = this.#reader.run(runId), page = yield* this.#reader.messagePage(runId, query);
    if (run === null || !this.#mayBeArchived(run)) return page;
    if (isWhole(page, run, query)) return { ...page, more: page.items[0]?.round !== 1 };
    const { limit = Infinity, beforeRound = Infinity } = query;
    const { items, more } = yield* this.#archive.logs(
      { refId: runId, type: "run.message", order: "desc", limit, ...toTimeRange(run) },
      ({ payload }) => toRunMessage(0, payload).round < beforeRound,
    );
    const archived = { items: items.map(({ ts, payload }) => toRunMessage(ts, payload)), more };
    const newest = { ...page, items: page.items.toReversed() }, keyOf = ({ round }: RunMessage) => round;
    const bytesOf = (message: RunMessage) => JSON.stringify(message).length;
    const merged = mergePages([newest, archived], { limit }, { descending: true, keyOf, bytesOf });
    return { ...merged, items: merged.items.toReversed() };
  }

  /** Like `StoreReader.logPage`, with archived rows: of the run that `refId` names, or of everything with `all`. */
  *logs(filter: LogFilter, all: boolean): Steps<Page<LogRow>> {
    const page = yield* this.#reader.logPage(filter), descending = filter.order === "desc";
    const run = all || filter.refId === undefined ? null : this.#reader.run(filter.refId);
    if (!all && (run === null || !this.#mayBeArchived(run))) return page;
    // Rows of unfinished runs stay longer than their day: archived rows may belong among those of the page.
    const archived = yield* this.#archive.logs(narrowToPage(run === null ? filter : narrowToRun(filter, run), page));
    const bounds = { limit: filter.limit ?? defaultLogLimit }, keyOf = ({ id }: LogRow) => id;
    const bytesOf = (row: LogRow) => JSON.stringify(row).length;
    return mergePages([page, archived], bounds, { descending, keyOf, bytesOf });
  }

  /** How many rows a run has; null when some of them may be archived. */
  countRows(runId: string): number | null {
    const run = this.#reader.run(runId);
    return run !== null && this.#mayBeArchived(run) ? null : this.#reader.countRows(runId);
  }

  #mayBeArchived({ queuedAt }: Run): boolean {
    return queuedAt < (this.#reader.archivedUpTo() ?? -Infinity);
  }
}

/** The time range of a run's rows. A row about a rejected message may follow the end of the run. */
function toTimeRange({ queuedAt, endedAt }: Run): { sinceMs: number; untilMs: number } {
  return { sinceMs: queuedAt - clockSlackMs, untilMs: endedAt === null ? Infinity : endedAt + clockSlackMs };
}
const clockSlackMs = 24 * 60 * 60 * 1_000;

/** The filter, limited to the run's time range. */
function narrowToRun(filter: LogFilter, run: Run): LogFilter {
  const { sinceMs, untilMs } = toTimeRange(run);
  return {
    ...filter,
    sinceMs: Math.max(sinceMs, filter.sinceMs ?? -Infinity),
    untilMs: Math.min(untilMs, filter.untilMs ?? Infinity),
  };
}

/** The filter, limited to rows before the end of a page that has more: later rows do not belong to that page. */
function narrowToPage(filter: LogFilter, { items, more }: Page<LogRow>): LogFilter {
  const last = items.at(-1);
  if (last === undefined || !more) return filter;
  return filter.order === "desc"
    ? { ...filter, afterId: Math.max(last.id, filter.afterId ?? 0) }
    : { ...filter, beforeId: Math.min(last.id, filter.beforeId ?? Infinity) };
}

/** Whether no message of the page, or between them, can be in the archive: each round follows the one before. */
function isWhole(
  { items, more }: Page<RunMessage>,
  { rounds }: Run,
  { beforeRound = Infinity, limit }: MessageQuery,
): boolean {
  const newest = items.at(-1)?.round, oldest = items[0]?.round;
  if (newest === undefined || oldest === undefined) return false;
  const contiguous = newest >= Math.min(beforeRound - 1, rounds) && newest - oldest + 1 === items.length;
  return contiguous && (more || oldest === 1 || items.length === limit);
}
