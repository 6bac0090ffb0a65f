/**
 * Rows of a query as a table, as JSON or as CSV, written while they are read: a large result needs no memory, and a
 * reader that has seen enough ends the query.
 */
import { unreachable } from "../../base/errors.ts";
import { toPrintable } from "../../base/printable.ts";
import type { CliIo } from "../io.ts";
import { clip, print, printTable, toJsonLine } from "./terminal.ts";

export const rowFormats = ["table", "json", "csv"] as const;
export type RowFormat = (typeof rowFormats)[number];

export interface RowSource {
  readonly columns: readonly string[];
  /** A row each, its values in the order of `columns`. */
  readonly rows: Iterable<readonly unknown[]>;
}

/** Rows whose widths decide those of a table: later ones may stick out, but nothing waits for the end. */
const tableChunk = 200;
const cellMaxChars = 60;

/** Writes all rows and returns how many there were. */
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
    chunk.push(row.map((value) => clip(cellText(value, "NULL"), cellMaxChars)));
    count++;
    if (chunk.length < tableChunk) continue;
    printTable(io, header, chunk);
    chunk = [];
  }
  if (chunk.length > 0 || count === 0) printTable(io, header, chunk);
  return count;
}

/** One document: an array with a line for each row. */
function writeJson(io: CliIo, columns: readonly string[], rows: Iterable<readonly unknown[]>): number {
  let count = 0;
  for (const row of rows) {
    if (io.stdout.gone.aborted) return count;
    const object = Object.fromEntries(columns.map((column, at) => [column, jsonValue(row[at])]));
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
    line(row.map((value) => cellText(value, "")));
    count++;
  }
  return count;
}

function quoteCsv(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

/** A blob is written as SQL has it: x'00ff'. */
function cellText(value: unknown, none: string): string {
  if (value === null || value === undefined) return none;
  return value instanceof Uint8Array ? blobText(value) : String(value);
}

function jsonValue(value: unknown): unknown {
  if (value instanceof Uint8Array) return blobText(value);
  // Beyond 2^53 a JSON number would lose digits for most readers.
  return typeof value === "bigint" ? (Number.isSafeInteger(Number(value)) ? Number(value) : String(value)) : value;
}

function blobText(bytes: Uint8Array): string {
  return `x'${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}'`;
}

/** A schema's SQL, safe for a terminal. */
export function toPrintableSql(sql: string): string {
  return sql.split("\n").map(toPrintable).join("\n");
}
