/**
 * Finds a page of rows of the log, over any connection, in steps: first the ids, by an index (log_path.ts), then the
 * rows. Used by reader.ts.
 * I1. No statement reads more rows than its page holds, or than `windowRows`: whatever the filter, another read, or the
 *     caller giving up, waits for one step only.
 * I2. A row that leaves the log for its archive meanwhile does not shorten a page: the page is then read again.
 */
import type { LogFilter, LogRow } from "../../protocol/log.ts";
import { type Page, PageFill } from "../reading/pages.ts";
import type { Steps } from "../reading/steps.ts";
import type { StatementCache } from "../sqlite/database.ts";
import { checkWindow, choosePath, type IdBounds, type LogPath, type Query, spanOfTimes, walkPath } from "./log_path.ts";
import { defaultLogLimit, logColumns, toLogRow } from "./log_sql.ts";

/** How many rows one step checks one by one: 2 to 4 ms. */
const checkedRows = 2_048;
/** How many entries of the index of times one step reads. */
const windowTimes = 20_000;
/** About how many bytes of rows one step reads. */
const stepBytes = 256 * 1024;

/** `maxBytes` defaults to `pageMaxBytes`. `windowRows`: how many rows one step checks. */
export function* findRows(
  statements: StatementCache,
  indexed: boolean,
  filter: LogFilter,
  maxBytes?: number,
  windowRows = checkedRows,
): Steps<Page<LogRow>> {
  const bounds = { limit: filter.limit ?? defaultLogLimit, ...(maxBytes === undefined ? {} : { maxBytes }) };
  for (;;) {
    const fill = new PageFill<FoundId>(bounds), path = choosePath(statements, indexed, filter);
    if (path.branches.length > 0 && bounds.limit > 0) yield* findIds(statements, path, filter, fill, windowRows);
    const rows = yield* readFound(statements, fill.items, filter.order === "desc");
    if (rows.length === fill.items.length) return { items: rows, more: fill.full };
  }
}

interface FoundId {
  readonly id: number;
  readonly bytes: number;
}

function* findIds(
  statements: StatementCache,
  path: LogPath,
  filter: LogFilter,
  fill: PageFill<FoundId>,
  windowRows: number,
): Steps<void> {
  let bounds: IdBounds = { afterId: filter.afterId, beforeId: filter.beforeId, descending: filter.order === "desc" };
  if (path.rest.length === 0) {
    const walk = walkPath(path, "id, octet_length(payload)", bounds, fill.room + 1);
    for (const [id, bytes] of readArrays(statements, walk) as [number, number][]) fill.add({ id, bytes }, bytes);
    return;
  }
  for (let window = 0; !fill.full; window++) {
    // Times grow with ids, unless the clock was set back: the wanted rows are next to each other.
    const narrowed = window === 1 ? yield* narrowByTime(statements, filter, bounds) : bounds;
    if (narrowed === null) return;
    const [found] = readArrays(statements, checkWindow(path, narrowed, windowRows)) as [WindowRow];
    const [count, first, last, passing] = found;
    const ids = parseWindow(passing).sort((a, b) => bounds.descending ? b.id - a.id : a.id - b.id);
    for (const each of ids) fill.add(each, each.bytes);
    if (count < windowRows) return;
    bounds = { ...narrowed, ...(bounds.descending ? { beforeId: first } : { afterId: last }) };
    yield;
  }
}

type WindowRow = [count: number, first: number, last: number, passing: string | null];

function parseWindow(passing: string | null): FoundId[] {
  if (passing === null) return [];
  return passing.split(",").map((each) => {
    const [id, bytes] = each.split(" ").map(Number);
    return { id: id ?? 0, bytes: bytes ?? 0 };
  });
}

/** The bounds, narrowed to the rows of the wanted times; null when there are none. */
function* narrowByTime(statements: StatementCache, filter: LogFilter, bounds: IdBounds): Steps<IdBounds | null> {
  const { sinceMs, untilMs } = filter;
  if (sinceMs === undefined && untilMs === undefined) return bounds;
  let first = Infinity, last = -Infinity, from = sinceMs ?? Number.MIN_SAFE_INTEGER, entries = windowTimes;
  for (;;) {
    const values = [from, untilMs ?? Number.MAX_SAFE_INTEGER, entries];
    const [span] = readArrays(statements, { sql: spanOfTimes, values }) as [[number, number, number, number]];
    const [count, newest, lowest, highest] = span;
    if (count > 0) [first, last] = [Math.min(first, lowest), Math.max(last, highest)];
    if (count < entries) break;
    // One moment has more rows than fit into a step.
    if (newest === from) entries *= 2;
    from = newest;
    yield;
  }
  const afterId = Math.max(bounds.afterId ?? -Infinity, first - 1);
  const beforeId = Math.min(bounds.beforeId ?? Infinity, last + 1);
  return first > last || afterId >= beforeId ? null : { ...bounds, afterId, beforeId };
}

function* readFound(statements: StatementCache, found: readonly FoundId[], descending: boolean): Steps<LogRow[]> {
  const sql = `select ${logColumns} from logs where id in (select value from json_each(?)) order by id` +
    (descending ? " desc" : "");
  const rows: LogRow[] = [];
  for (let from = 0; from < found.length;) {
    let to = from, bytes = 0;
    while (to < found.length && (to === from || bytes < stepBytes)) bytes += found[to++]?.bytes ?? 0;
    const ids = JSON.stringify(found.slice(from, to).map(({ id }) => id));
    rows.push(...readArrays(statements, { sql, values: [ids] }).map(toLogRow));
    from = to;
    yield;
  }
  return rows;
}

function readArrays(statements: StatementCache, { sql, values }: Query): unknown[] {
  return statements.arrays(sql).all(...values);
}
