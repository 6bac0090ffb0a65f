/**
 * Reads the log's archive as if it were still the log, day by day. It skips files that cannot match by their day and by
 * their first and last id. Used by history.ts.
 * I1. Memory is bounded by the requested rows, not by the files.
 * I2. A row that is in the log and in the archive (archiver.ts, I2) is returned once.
 * I3. It yields every few milliseconds: files are large, and the kernel reads them beside all other work.
 */
import type { LogFilter, LogRow } from "../../protocol/log.ts";
import { defaultLogLimit } from "../log/log_sql.ts";
import {
  type ArchivedDay,
  listArchivedDays,
  parseRow,
  parseRowId,
  readLastLine,
  readLineBlocks,
  readLines,
} from "./archive_file.ts";
import { dayMs, parseDay } from "./days.ts";

/** A result computed in steps; the caller may do other work between two steps. */
export type Steps<T> = Generator<void, T, void>;

interface IdRange {
  readonly first: number;
  readonly last: number;
}

export class ArchiveReader {
  readonly #folder: string;
  readonly #ranges = new Map<string, IdRange>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** As `StoreReader.logs`, for archived rows only; `also` narrows further. Throws NerveError STORE_FAILED. */
  *logs(filter: LogFilter, also: (row: LogRow) => boolean = () => true): Steps<LogRow[]> {
    const limit = filter.limit ?? defaultLogLimit, descending = filter.order === "desc";
    const files: { file: ArchivedDay; range: IdRange }[] = [];
    for (const file of listArchivedDays(this.#folder)) {
      if (!mayOverlapTime(file, filter)) continue;
      const range = this.#readRange(file);
      if (range !== null && mayHoldIds(range, filter)) files.push({ file, range });
      yield;
    }
    files.sort((a, b) => descending ? b.range.last - a.range.last : a.range.first - b.range.first);
    let found: LogRow[] = [];
    for (const { file, range } of files) {
      const [worst] = found.slice(-1);
      // Ids of different days do not overlap, unless the clock was set back.
      const better = worst === undefined || (descending ? range.last > worst.id : range.first < worst.id);
      if (found.length >= limit && !better) break;
      found = [...found, ...yield* findMatches(file.path, filter, also, limit, descending)]
        .sort((a, b) => descending ? b.id - a.id : a.id - b.id).slice(0, limit);
    }
    return found;
  }

  #readRange({ day, path, bytes }: ArchivedDay): IdRange | null {
    const key = `${day} ${bytes}`, known = this.#ranges.get(key);
    if (known !== undefined) return known;
    const [first] = readLines(path), last = readLastLine(path, bytes);
    if (first === undefined || last === null) return null;
    const range = { first: parseRowId(first, path), last: parseRowId(last, path) };
    this.#ranges.set(key, range);
    return range;
  }
}

/** Merges rows of the log and of its archive. Both lists have the filter's order and are within its limit. */
export function mergeRows(rows: readonly LogRow[], archived: readonly LogRow[], filter: LogFilter): LogRow[] {
  const descending = filter.order === "desc", known = new Set(rows.map(({ id }) => id));
  return [...rows, ...archived.filter(({ id }) => !known.has(id))]
    .sort((a, b) => descending ? b.id - a.id : a.id - b.id).slice(0, filter.limit ?? defaultLogLimit);
}

function mayOverlapTime({ day }: ArchivedDay, { sinceMs = -Infinity, untilMs = Infinity }: LogFilter): boolean {
  const start = parseDay(day) ?? 0;
  return start + dayMs > sinceMs && start < untilMs;
}

function mayHoldIds({ first, last }: IdRange, { afterId = -Infinity, beforeId = Infinity }: LogFilter): boolean {
  return last > afterId && first < beforeId;
}

/** The first `limit` rows of a file, or the last ones, in the order of their ids. */
function* findMatches(
  path: string,
  filter: LogFilter,
  also: (row: LogRow) => boolean,
  limit: number,
  descending: boolean,
): Steps<LogRow[]> {
  const found: LogRow[] = [];
  const { source, type, refId, afterId = -Infinity, beforeId = Infinity } = filter;
  // Parsing is expensive: the text alone rules out most lines.
  const needles = [source, type, refId].filter((text) => text !== undefined).map((text) => JSON.stringify(text));
  const wanted = (line: string) => needles.every((needle) => line.includes(needle));
  for (const lines of readLineBlocks(path, wanted)) {
    for (const line of lines) {
      const id = parseRowId(line, path);
      if (id <= afterId) continue;
      if (id >= beforeId) return descending ? found.slice(-limit) : found;
      const row = parseRow(line, path);
      if (!matches(row, filter) || !also(row)) continue;
      found.push(row);
      if (!descending && found.length === limit) return found;
      // Keeps the newest rows: the excess is dropped before it grows large.
      if (descending && found.length >= limit * 2) found.splice(0, found.length - limit);
    }
    yield;
  }
  return descending ? found.slice(-limit) : found;
}

function matches(row: LogRow, { source, type, refId, sinceMs, untilMs }: LogFilter): boolean {
  return (source === undefined || row.source === source) && (type === undefined || row.type === type) &&
    (refId === undefined || row.refId === refId) && row.ts >= (sinceMs ?? -Infinity) && row.ts < (untilMs ?? Infinity);
}
