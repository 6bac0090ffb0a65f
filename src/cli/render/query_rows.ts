/**
 * Writes the rows of a query as a table, JSON or CSV while it reads them, so that a large result needs no memory and a
 * reader that closes stdout ends the query. Used by cli/commands/sense_query.ts.
 */
import { unreachable } from "../../base/errors.ts";
import { toPrintable } from "../../base/printable.ts";
import type { CliIo } from "../io.ts";
import { clip, print, printTable, toJsonLine } from "./terminal.ts";
import { formatTimeValue } from "./time_values.ts";

export const rowFormats = ["table", "json", "csv"] as const;
export type RowFormat = (typeof rowFormats)[number];

export interface RowSource {
  readonly columns: readonly string[];
  /** The values of each row are in the order of `columns`. */
  readonly rows: Iterable<readonly unknown[]>;
}

/**
 * How many rows set the column widths together. Widths may differ from chunk to chunk, but output need not wait for all
 * rows.
 */
const tableChunk = 200;
const cellMaxChars = 60;

/** Writes all rows and returns their number. */
export function writeRows(io: CliIo, { columns, rows }: RowSource, format: RowFormat): number {
  switch (format) {
    case "table":
      return writeTable(io, columns, rows);
    case "json":
      return writeJson(io, columns, rows);
    case "csv":
      return writeCsv(io, columns, rows);
    default:
      return unreachable(format);
  }
}

function writeTable(io: CliIo, columns: readonly string[], rows: Iterable<readonly unknown[]>): number {
  const header = columns.map((column) => clip(column, cellMaxChars));
  let chunk: string[][] = [], count = 0;
  for (const row of rows) {
    if (io.stdout.gone.aborted) return count;
    chunk.push(row.map((value, at) => clip(toShown(columns[at] ?? "", value), cellMaxChars)));
    count++;
    if (chunk.length < tableChunk) continue;
    printTable(io, header, chunk);
    chunk = [];
  }
  if (chunk.length > 0 || count === 0) printTable(io, header, chunk);
  return count;
}

/** Writes one document: an array with a line for each row. */
function writeJson(io: CliIo, columns: readonly string[], rows: Iterable<readonly unknown[]>): number {
  let count = 0;
  for (const row of rows) {
    if (io.stdout.gone.aborted) return count;
    const object = Object.fromEntries(columns.map((column, at) => [column, toJsonValue(row[at])]));
    io.stdout.write(`${count === 0 ? "[\n" : ",\n"}${toJsonLine(object)}`);
    count++;
  }
  io.stdout.write(count === 0 ? "[]\n" : "\n]\n");
  return count;
}

function writeCsv(io: CliIo, columns: readonly string[], rows: Iterable<readonly unknown[]>): number {
  const line = (cells: readonly string[]) => print(io, cells.map(quoteCsv).join(","));
  line(columns);
  let count = 0;
  for (const row of rows) {
    if (io.stdout.gone.aborted) return count;
    line(row.map((value) => toCell(value, "")));
    count++;
  }
  return count;
}

function quoteCsv(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

/** A table is for people and shows times as such; JSON and CSV keep the numbers. */
function toShown(column: string, value: unknown): string {
  return formatTimeValue(column, value) ?? toCell(value, "NULL");
}

/** Blobs are written as SQL literals: x'00ff'. */
function toCell(value: unknown, none: string): string {
  if (value === null || value === undefined) return none;
  return value instanceof Uint8Array ? formatBlob(value) : String(value);
}

function toJsonValue(value: unknown): unknown {
  if (value instanceof Uint8Array) return formatBlob(value);
  // Most readers would lose digits of a JSON number beyond 2^53.
  return typeof value === "bigint" ? (Number.isSafeInteger(Number(value)) ? Number(value) : String(value)) : value;
}

function formatBlob(bytes: Uint8Array): string {
  return `x'${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}'`;
}

/** A schema's SQL, safe for a terminal. */
export function toPrintableSql(sql: string): string {
  return sql.split("\n").map(toPrintable).join("\n");
}
