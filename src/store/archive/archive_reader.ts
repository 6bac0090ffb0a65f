/**
 * Reads the log's archive as if it were still the log, day by day. It skips files that cannot match by their day and by
 * their first and last id. Used by history.ts.
 * I1. Memory is bounded by a page of rows, not by the files.
 * I2. A row that is in the log and in the archive (archiver.ts, I2) is returned once.
 * I3. It yields every few milliseconds: files are large, and its thread also serves other reads.
 */
import { pageMaxBytes } from "../../base/limits.ts";
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
import { type MergeOrder, mergePages, type Page, type PageBounds, PageFill } from "../reading/pages.ts";
import type { Steps } from "../reading/steps.ts";
import { dayMs, parseDay } from "./days.ts";

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

  /** Like `StoreReader.logPage`, for archived rows only; `also` narrows further. Throws NerveError STORE_FAILED. */
  *logs(filter: LogFilter, also: (row: LogRow) => boolean = () => true): Steps<Page<LogRow>> {
    const bounds = { limit: filter.limit ?? defaultLogLimit }, descending = filter.order === "desc";
    const files: { file: ArchivedDay; range: IdRange }[] = [];
    for (const file of listArchivedDays(this.#folder)) {
      if (!mayOverlapTime(file, filter)) continue;
      const range = this.#readRange(file);
      if (range !== null && mayHoldIds(range, filter)) files.push({ file, range });
      yield;
    }
    files.sort((a, b) => descending ? b.range.last - a.range.last : a.range.first - b.range.first);
    const order: MergeOrder<SizedRow> = { descending, keyOf: ({ row }) => row.id, bytesOf: ({ bytes }) => bytes };
    let page: SizedPage = { items: [], more: false };
    for (const { file, range } of files) {
      const worst = page.items.at(-1)?.row.id;
      // Ids of different days do not overlap, unless the clock was set back.
      const better = worst === undefined || (descending ? range.last > worst : range.first < worst);
      if (page.more && !better) break;
      const found = yield* findMatches(file.path, filter, also, bounds);
      page = mergePages([page, found], bounds, order);
    }
    return { items: page.items.map(({ row }) => row), more: page.more };
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

/** A row, and the bytes of its line. */
interface SizedRow {
  readonly row: LogRow;
  readonly bytes: number;
}

type SizedPage = Page<SizedRow>;

function mayOverlapTime({ day }: ArchivedDay, { sinceMs = -Infinity, untilMs = Infinity }: LogFilter): boolean {
  const start = parseDay(day) ?? 0;
  return start + dayMs > sinceMs && start < untilMs;
}

function mayHoldIds({ first, last }: IdRange, { afterId = -Infinity, beforeId = Infinity }: LogFilter): boolean {
  return last > afterId && first < beforeId;
}

/** The first rows of a file in the order of the query, within the bounds. */
function* findMatches(
  path: string,
  filter: LogFilter,
  also: (row: LogRow) => boolean,
  bounds: PageBounds,
): Steps<SizedPage> {
  const { source, type, refId, afterId = -Infinity, beforeId = Infinity } = filter,
    descending = filter.order === "desc";
  // Parsing is expensive: the text alone rules out most lines.
  const needles = [source, type, refId].filter((text) => text !== undefined).map((text) => JSON.stringify(text));
  const wanted = (line: string) => needles.every((needle) => line.includes(needle));
  // For a descending query, the newest rows so far: each new row pushes out the oldest one.
  const first = new PageFill<SizedRow>(bounds), newest = new NewestRows(bounds);
  const found = () => descending ? newest.toPage() : first.toPage();
  for (const lines of readLineBlocks(path, wanted)) {
    for (const line of lines) {
      const id = parseRowId(line, path);
      if (id <= afterId) continue;
      if (id >= beforeId) return found();
      const row = parseRow(line, path);
      if (!matches(row, filter) || !also(row)) continue;
      if (descending) newest.add({ row, bytes: line.length });
      else first.add({ row, bytes: line.length }, line.length);
      if (first.full) return found();
    }
    yield;
  }
  return found();
}

/** The newest of the added rows, within the bounds, newest first; rows are added oldest first. */
class NewestRows {
  readonly #limit: number;
  readonly #maxBytes: number;
  readonly #rows: SizedRow[] = [];
  #bytes = 0;
  #more = false;

  constructor({ limit, maxBytes = pageMaxBytes }: PageBounds) {
    this.#limit = limit;
    this.#maxBytes = maxBytes;
  }

  add(row: SizedRow): void {
    this.#rows.push(row);
    this.#bytes += row.bytes;
    while (this.#rows.length > this.#limit || (this.#rows.length > 1 && this.#bytes > this.#maxBytes)) {
      this.#bytes -= this.#rows.shift()?.bytes ?? 0;
      this.#more = true;
    }
  }

  toPage(): SizedPage {
    return { items: this.#rows.toReversed(), more: this.#more };
  }
}

function matches(row: LogRow, { source, type, refId, sinceMs, untilMs }: LogFilter): boolean {
  return (source === undefined || row.source === source) && (type === undefined || row.type === type) &&
    (refId === undefined || row.refId === refId) && row.ts >= (sinceMs ?? -Infinity) && row.ts < (untilMs ?? Infinity);
}
