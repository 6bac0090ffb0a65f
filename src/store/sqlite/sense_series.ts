/**
 * Columns of a sense's database over time, for charts. SQLite groups the rows into spans of time; only the spans are
 * returned. Used by the reading thread. Sense code may have made anything, so:
 * I1. Only ordinary columns of ordinary tables are read: a view, or a computed column, may run forever.
 * I2. A step reads `windowRows` rows in a statement of its own, so that no read transaction is held for long.
 * I3. Rows are read from the newest back. After `oldWindows` windows in a row without a row of the wanted time, the
 *     rest counts as older: rows are inserted in the order of time. A table without row ids is read by its key; if that
 *     does not begin with the time, nothing counts as older.
 */
import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import { NerveError } from "../../base/errors.ts";
import { isTimeColumn, timeFromMs, timeToMs } from "../../base/time_column.ts";
import type { SenseColumn, SenseColumns, SenseSeries, SeriesRequest } from "../../protocol/dashboard.ts";
import type { Steps } from "../reading/steps.ts";
import { listUserTables, openForQuery, quoteName } from "./sense_query.ts";

const windowRows = 10_000;
const oldWindows = 4;
const rowsMax = 10_000_000;
const columnsMax = 100;

/** The columns of numbers in tables that have a column of times. */
export function* listSeries(database: string): Steps<SenseColumns> {
  const db = openForQuery(database), items: SenseColumn[] = [];
  try {
    for (const { name: table } of listUserTables(db)) {
      const columns = listColumns(db, table), time = findTime(columns);
      if (time !== null) {
        const numbers = columns.filter(({ name, isNumber, isKey }) => isNumber && !isKey && !isTimeColumn(name));
        items.push(...numbers.map(({ name }) => ({ table, time, column: name })));
      }
      yield;
    }
    return { items: items.slice(0, columnsMax) };
  } finally {
    db.close();
  }
}

interface Column {
  readonly name: string;
  readonly isNumber: boolean;
  readonly isKey: boolean;
}

function listColumns(db: DatabaseSync, table: string): Column[] {
  return db.prepare("select name, type, pk, hidden from pragma_table_xinfo(?)").all(table)
    .filter(({ hidden }) => hidden === 0)
    .map(({ name, type, pk }) => ({
      name: String(name),
      isNumber: /int|real|floa|doub|num|dec/i.test(String(type)),
      isKey: pk !== 0 || /^id$|_id$|[a-z]Id$/.test(String(name)),
    }));
}

/** The primary key of a table without row ids: every row has one, and none is null. */
function listKey(db: DatabaseSync, table: string): string[] {
  return db.prepare("select name from pragma_table_xinfo(?) where pk > 0 order by pk").all(table)
    .map(({ name }) => String(name));
}

function findTime(columns: readonly Column[]): string | null {
  const names = columns.map(({ name }) => name);
  return names.find((name) => name === "ts") ?? names.find(isTimeColumn) ?? null;
}

interface Span {
  rows: number;
  least: number;
  most: number;
  sum: number;
}

/** Throws NerveError QUERY_INVALID when there is no such column of numbers. */
export function* readSeries(database: string, query: SeriesRequest): Steps<SenseSeries> {
  const { table, column, fromMs, untilMs, points } = query, db = openForQuery(database);
  try {
    const found = listUserTables(db).find(({ name }) => name === table);
    const columns = found === undefined ? [] : listColumns(db, table), time = findTime(columns);
    if (found === undefined || time === null || !columns.some(({ name, isNumber }) => name === column && isNumber)) {
      throw new NerveError("QUERY_INVALID", `there is no column of numbers ${column} beside one of times in ${table}`, {
        hint: "GET /v1/senses/NAME/columns lists them",
      });
    }
    const widthMs = Math.max(1, (untilMs - fromMs) / points), spans = new Map<number, Span>();
    const key = found.withoutRowid ? listKey(db, table) : ["rowid"], isOrdered = !found.withoutRowid || key[0] === time;
    let rows = 0, old = 0, cut = false;
    for (const { taken, read } of readWindows(db, query, time, key, widthMs)) {
      for (const each of taken) add(spans, each);
      rows += read;
      old = taken.length === 0 ? old + 1 : 0;
      cut = rows >= rowsMax;
      if (cut || isOrdered && old >= oldWindows) break;
      yield;
    }
    return { table, time, column, fromMs, untilMs, widthMs, ...toLists(spans, fromMs, widthMs), cut };
  } finally {
    db.close();
  }
}

function toLists(spans: ReadonlyMap<number, Span>, fromMs: number, widthMs: number) {
  const sorted = [...spans].sort(([a], [b]) => a - b);
  return {
    rows: sorted.reduce((sum, [, { rows }]) => sum + rows, 0),
    at: sorted.map(([place]) => Math.round(fromMs + (place + .5) * widthMs)),
    least: sorted.map(([, { least }]) => least),
    mean: sorted.map(([, { sum, rows }]) => sum / rows),
    most: sorted.map(([, { most }]) => most),
  };
}

type SpanRow = readonly [place: number, rows: number, least: number, most: number, sum: number];

/** The key of a row, by which it is found again. */
type Key = SQLInputValue[];

interface Window {
  readonly taken: readonly SpanRow[];
  /** How many rows the window has. */
  readonly read: number;
}

function add(spans: Map<number, Span>, [place, rows, least, most, sum]: SpanRow): void {
  const span = spans.get(place);
  if (span === undefined) spans.set(place, { rows, least, most, sum });
  else {
    span.rows += rows;
    span.least = Math.min(span.least, least);
    span.most = Math.max(span.most, most);
    span.sum += sum;
  }
}

/** Reads windows from the newest rows back, or, in a table without row ids, from the greatest keys back. */
function* readWindows(
  db: DatabaseSync,
  query: SeriesRequest,
  time: string,
  key: readonly string[],
  widthMs: number,
): Generator<Window> {
  const table = quoteName(query.table), keys = key.map(quoteName).join(", "), marks = key.map(() => "?").join(", ");
  const order = `order by ${key.map((name) => `${quoteName(name)} desc`).join(", ")} limit 1 offset ?`;
  const upTo = `(${keys}) <= (${marks})`, between = `(${keys}) > (${marks}) and ${upTo}`;
  const prepareKey = (where: string) => {
    const statement = db.prepare(`select ${keys} from ${table} where ${where} ${order}`);
    statement.setReadBigInts(true);
    statement.setReturnArrays(true);
    return (...values: Key) => statement.get(...values) as unknown as Key | undefined;
  };
  const first = prepareKey("true"), next = prepareKey(`(${keys}) < (${marks})`);
  const readBetween = prepareSpans(db, query, time, between), readRest = prepareSpans(db, query, time, upTo);
  let to = first(0);
  while (to !== undefined) {
    const from = next(...to, windowRows - 1);
    const taken = from === undefined ? readRest(widthMs, ...to) : readBetween(widthMs, ...from, ...to);
    yield { taken, read: windowRows };
    to = from;
  }
}

/** Seconds and milliseconds are distinguished by their size, row by row. */
function prepareSpans(
  db: DatabaseSync,
  { table, column, fromMs, untilMs }: SeriesRequest,
  time: string,
  where: string,
): (widthMs: number, ...bounds: Key) => SpanRow[] {
  const at = quoteName(time), value = quoteName(column);
  const statement = db.prepare(`
select cast((at - ?) / ? as integer) as place, count(*), min(value), max(value), sum(value)
from (
  select case when ${at} >= ${timeFromMs} then ${at} else ${at} * 1000.0 end as at, ${value} * 1.0 as value
  from ${quoteName(table)}
  where ${where} and typeof(${at}) in ('integer', 'real') and typeof(${value}) in ('integer', 'real')
    and ${at} >= ${timeFromMs / 1_000} and ${at} < ${timeToMs}
)
where at >= ? and at < ? and abs(value) < 9e999
group by place`);
  statement.setReturnArrays(true);
  return (widthMs, ...bounds) => statement.all(fromMs, widthMs, ...bounds, fromMs, untilMs) as unknown as SpanRow[];
}
