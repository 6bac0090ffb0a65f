/**
 * Reads the log's archive as if it were still the log: files are looked at day by day, those that cannot hold what is
 * asked for are left out by their day and by their first and last id. Used by history.ts and rebuild.ts.
 * I1. Memory is bounded by the rows that are asked for, not by the files.
 * I2. A row that is in the log and in the archive (archiver.ts, I2) is given once.
 * I3. It comes in steps of some milliseconds: files are large, and the kernel reads them beside everything else.
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

/** A result that is worked out in steps; whoever drives it may do something else between two of them. */
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

  /** As `StoreReader.logs`, of archived rows alone; `also` narrows further. Throws NerveError STORE_FAILED. */
  *logs(filter: LogFilter, also: (row: LogRow) => boolean = () => true): Steps<LogRow[]> {
    const limit = filter.limit ?? defaultLogLimit, down = filter.order === "desc";
    const files: { file: ArchivedDay; range: IdRange }[] = [];
    for (const file of listArchivedDays(this.#folder)) {
      if (!mayOverlapTime(file, filter)) continue;
      const range = this.#readRange(file);
      if (range !== null && mayHoldIds(range, filter)) files.push({ file, range });
      yield;
    }
    files.sort((a, b) => down ? b.range.last - a.range.last : a.range.first - b.range.first);
    let found: LogRow[] = [];
    for (const { file, range } of files) {
      const [worst] = found.slice(-1);
      // Ids of different days do not overlap, unless the clock was set back.
      const better = worst === undefined || (down ? range.last > worst.id : range.first < worst.id);
      if (found.length >= limit && !better) break;
      found = [...found, ...yield* findMatches(file.path, filter, also, limit, down)]
        .sort((a, b) => down ? b.id - a.id : a.id - b.id).slice(0, limit);
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

/** Rows of the log and of its archive as one list. Both are in the order that the filter asks for, and within its limit. */
export function mergeRows(rows: readonly LogRow[], archived: readonly LogRow[], filter: LogFilter): LogRow[] {
  const down = filter.order === "desc", known = new Set(rows.map(({ id }) => id));
  return [...rows, ...archived.filter(({ id }) => !known.has(id))]
    .sort((a, b) => down ? b.id - a.id : a.id - b.id).slice(0, filter.limit ?? defaultLogLimit);
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
  down: boolean,
): Steps<LogRow[]> {
  const found: LogRow[] = [];
  const { source, type, refId, afterId = -Infinity, beforeId = Infinity } = filter;
  // Parsing is what costs: most lines are told apart by their text.
  const needles = [source, type, refId].filter((text) => text !== undefined).map((text) => JSON.stringify(text));
  const wanted = (line: string) => needles.every((needle) => line.includes(needle));
  for (const lines of readLineBlocks(path, wanted)) {
    for (const line of lines) {
      const id = parseRowId(line, path);
      if (id <= afterId) continue;
      if (id >= beforeId) return down ? found.slice(-limit) : found;
      const row = parseRow(line, path);
      if (!matches(row, filter) || !also(row)) continue;
      found.push(row);
      if (!down && found.length === limit) return found;
      // The newest ones are kept: what is in excess goes before it is much.
      if (down && found.length >= limit * 2) found.splice(0, found.length - limit);
    }
    yield;
  }
  return down ? found.slice(-limit) : found;
}

function matches(row: LogRow, { source, type, refId, sinceMs, untilMs }: LogFilter): boolean {
  return (source === undefined || row.source === source) && (type === undefined || row.type === type) &&
    (refId === undefined || row.refId === refId) && row.ts >= (sinceMs ?? -Infinity) && row.ts < (untilMs ?? Infinity);
}
