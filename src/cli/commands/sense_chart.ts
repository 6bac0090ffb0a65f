/** `nerve sense chart NAME COLUMN`: a column of a sense's database over time, drawn in the terminal. */
import plot from "simple-ascii-chart";
import { formatDuration } from "../../base/duration.ts";
import { NerveError } from "../../base/errors.ts";
import { isTimeColumn } from "../../base/time_column.ts";
import { quoteName, readSchema, runReadOnlyQuery, type TableSchema } from "../../store/sqlite/sense_query.ts";
import { type CliIo, exit } from "../io.ts";
import type { SenseChartOutput } from "../render/compute_schemas.ts";
import { clip, dim, formatClockTime, formatDateTime, plural, print, printJson } from "../render/terminal.ts";
import { toTimeMs } from "../render/time_values.ts";
import { findDatabase } from "../sense_database.ts";
import { openWorkspace } from "../workspace.ts";

interface Flags {
  readonly since?: number | undefined;
  readonly table?: string | undefined;
  readonly where?: string | undefined;
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

const sinceDefaultMs = 24 * 60 * 60_000, widthDefault = 72, heightDefault = 12, ticks = 5;
/** Below this span, minutes do not distinguish the ticks of a chart. */
const secondsBelowMs = 10 * 60_000;

interface Chart {
  /** The mean of each span of time in which there was a value. */
  readonly points: [at: number, value: number][];
  readonly rows: number;
  readonly least: number;
  readonly most: number;
  readonly last: number;
}

export async function senseChart(io: CliIo, flags: Flags, name: string, column: string): Promise<number> {
  const database = await findDatabase(await openWorkspace(io, flags.workspace), name);
  if (database === null) {
    throw new NerveError("DATABASE_MISSING", `sense "${name}" has no database yet`, {
      hint: `its first compute creates it: nerve start, nerve sense trigger ${name} --wait`,
    });
  }
  const { since = sinceDefaultMs, width = widthDefault, height = heightDefault } = flags, now = io.clock.now();
  const table = findTable(readSchema(database), column, flags.table), time = findTimeColumn(table);
  const chart = readChart(database, { table: table.name, column, time, where: flags.where }, now - since, now, width);
  if (flags.json) {
    const points = chart?.points.map(([at, value]) => ({ at, value })) ?? [];
    printJson(io, { sense: name, table: table.name, column, time, points } satisfies SenseChartOutput);
    return exit.ok;
  }
  const span = `the last ${formatDuration(since)}`;
  if (chart === null) print(io, dim(io, `no ${clip(column, 64)} in ${table.name} in ${span}`));
  else {printChart(io, chart, `${clip(column, 64)} of ${name} in ${span}`, {
      width,
      height,
      isLong: since > sinceDefaultMs,
    });}
  return exit.ok;
}

/** The table with the column, which must be the only one or be named. Throws QUERY_INVALID. */
function findTable(tables: readonly TableSchema[], column: string, wanted: string | undefined): TableSchema {
  const having = tables.filter(({ columns, name }) =>
    columns.some((each) => each.name === column) && (wanted === undefined || name === wanted)
  );
  const [table] = having;
  if (table !== undefined && having.length === 1) return table;
  const known = tables.map(({ name, columns }) => `${name} (${columns.map((each) => each.name).join(", ")})`);
  throw new NerveError(
    "QUERY_INVALID",
    table === undefined
      ? `no table has a column "${column}"`
      : `several tables have a column "${column}": ${having.map(({ name }) => name).join(", ")}`,
    { hint: table === undefined ? `there are: ${known.join("; ")}` : `--table ${table.name}` },
  );
}

/** The column of the times. Throws QUERY_INVALID. */
function findTimeColumn({ name, columns }: TableSchema): string {
  const names = columns.map((each) => each.name),
    time = names.find((each) => each === "ts") ?? names.find(isTimeColumn);
  if (time !== undefined) return time;
  throw new NerveError("QUERY_INVALID", `the table ${name} has no column of times`, {
    hint: "a column such as ts or read_at holds milliseconds or seconds since 1970",
  });
}

interface Asked {
  readonly table: string;
  readonly column: string;
  readonly time: string;
  readonly where: string | undefined;
}

/**
 * Null without values. The chart is as wide as the time that has values; otherwise, the first minute of a day would be
 * one point. Reads row by row, once for that time and once for the values: a database may hold millions.
 */
function readChart(database: string, asked: Asked, from: number, to: number, width: number): Chart | null {
  let begin = Infinity, end = -Infinity;
  for (const [at] of readValues(database, asked, from, to)) [begin, end] = [Math.min(begin, at), Math.max(end, at)];
  const sums = new Map<number, { at: number; sum: number; count: number }>();
  let rows = 0, least = Infinity, most = -Infinity, last = NaN;
  for (const [at, value] of readValues(database, asked, from, to)) {
    const share = end > begin ? (at - begin) / (end - begin) : 0;
    const place = Math.min(width - 1, Math.floor(share * width)), sum = sums.get(place);
    if (sum === undefined) sums.set(place, { at, sum: value, count: 1 });
    else Object.assign(sum, { sum: sum.sum + value, count: sum.count + 1 });
    [rows, least, most, last] = [rows + 1, Math.min(least, value), Math.max(most, value), value];
  }
  const points = [...sums.values()].map(({ at, sum, count }): [number, number] => [at, sum / count]);
  return rows === 0 ? null : { points, rows, least, most, last };
}

/** The times and numbers between two times, oldest first. Throws QUERY_INVALID for a value that is not a number. */
function* readValues(database: string, asked: Asked, from: number, to: number): Generator<[at: number, value: number]> {
  const [table, column, time] = [asked.table, asked.column, asked.time].map(quoteName);
  const only = asked.where === undefined ? "" : ` and (${asked.where})`;
  const sql = `select ${time}, ${column} from ${table} where ${column} is not null${only} order by ${time}`;
  for (const [when, value] of runReadOnlyQuery(database, sql).rows) {
    const at = toTimeMs(when);
    if (at === null || at < from || at > to) continue;
    const number = Number(value);
    if (typeof value === "string" || value instanceof Uint8Array || !Number.isFinite(number)) {
      throw new NerveError("QUERY_INVALID", `${asked.column} holds values that are not numbers`, {
        hint: "--where leaves rows out",
      });
    }
    yield [at, number];
  }
}

function printChart(
  io: CliIo,
  { points, rows, least, most, last }: Chart,
  title: string,
  { width, height, isLong }: { readonly width: number; readonly height: number; readonly isLong: boolean },
): void {
  const step = Math.max(1, Math.ceil(points.length / ticks));
  const marked = points.filter((_, index) => index % step === 0).map(([at]) => at);
  const isShort = (points.at(-1)?.[0] ?? 0) - (points[0]?.[0] ?? 0) < secondsBelowMs;
  const formatTick = (at: number) =>
    isLong ? formatDateTime(at).slice(5, 16) : formatClockTime(at).slice(0, isShort ? 8 : 5);
  print(io, title);
  // A single value has no range to draw.
  const drawn = points.length < 2 ? "" : plot(points, {
    width,
    height,
    ...findRange(points.map(([, value]) => value)),
    customXAxisTicks: marked,
    formatter: (value, { axis }) => axis === "x" ? formatTick(value) : formatFigure(value),
  });
  for (const line of drawn.split("\n")) if (line.trim() !== "") print(io, line.trimEnd());
  const figures = [["least", least], ["most", most], ["last", last]] as const;
  const summary = figures.map(([word, value]) => `${word} ${formatFigure(value)}`).join(", ");
  const shown = points.length < 2 ? "too few for a chart" : "of which the chart shows means";
  print(io, dim(io, `${summary}; ${plural(rows, "row")}, ${shown}`));
}

/** Without a margin, a constant would be drawn without a scale. */
function findRange(values: readonly number[]): { yRange?: [number, number] } {
  const [low, high] = [Math.min(...values), Math.max(...values)], margin = Math.max(1, Math.abs(low) / 10);
  return low === high ? { yRange: [low - margin, high + margin] } : {};
}

/** Four significant digits, with a suffix such as K, M or G for large numbers. */
function formatFigure(value: number): string {
  const units = ["", "K", "M", "G", "T", "P"];
  let unit = 0, scaled = value;
  while (Math.abs(scaled) >= 10_000 && unit < units.length - 1) [scaled, unit] = [scaled / 1_000, unit + 1];
  return `${Number(scaled.toPrecision(4))}${units[unit]}`;
}
