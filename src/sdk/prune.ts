/**
 * `prune`: deletes rows older than an age from a sense's table, so that its database does not grow without bound.
 * Authors of senses import it from "nerve". It imports only the types of Drizzle: workflows import "nerve" too, and
 * loading Drizzle would delay their start by 4 ms.
 */
import type { SQLiteColumn, SQLiteTable } from "drizzle-orm/sqlite-core";
import { systemClock } from "../base/clock.ts";
import { parseDuration } from "../base/duration.ts";
import type { SenseDatabase } from "./sense.ts";

/** Time columns: `integer({mode: "timestamp_ms"})`, `integer({mode: "timestamp"})`, or epoch milliseconds. */
type TimeColumn<Table extends SQLiteTable> = {
  [Key in keyof Table["_"]["columns"]]: Table["_"]["columns"][Key]["_"] extends { data: Date | number }
    ? Table["_"]["columns"][Key]
    : never;
}[keyof Table["_"]["columns"]];

/**
 * Deletes the rows of `table` whose time in `column` is more than `age` ago; rows without a time stay. `age` is a
 * duration such as `"30d"`, or milliseconds; plain numbers in `column` are epoch milliseconds. Returns the number of
 * deleted rows. Throws a TypeError when `age` is not a duration or out of range, or `column` is not a time column. `db`
 * may be a transaction; an index on `column` makes this cheap.
 * @example
 * ```ts
 * prune(db, readings, readings.ts, "30d");
 * ```
 */
export function prune<Table extends SQLiteTable>(
  db: Pick<SenseDatabase, "run">,
  table: Table,
  column: TimeColumn<Table>,
  age: string | number,
): number {
  const time = column as SQLiteColumn;
  const oldest = Math.floor(systemClock.now() - toMilliseconds(age));
  const bound = time.dataType === "date" ? time.mapToDriverValue(new Date(oldest)) : oldest;
  if (!Number.isSafeInteger(bound)) throw new TypeError(`prune: ${time.name} is not a time column`);
  // The bound is an integer and the names are quoted: no value can inject SQL.
  const result = db.run(`delete from ${quoteName(readTableName(table))} where ${quoteName(time.name)} < ${bound}`);
  return Number((result as { changes: number | bigint }).changes);
}

function toMilliseconds(age: string | number): number {
  const parsed = typeof age === "string" ? parseDuration(age) : { ok: true, value: age } as const;
  if (!parsed.ok) throw new TypeError(`prune: the age must be a duration: ${parsed.error}`);
  if (!(parsed.value >= 0 && parsed.value <= epochMaxMs)) throw new TypeError(`prune: the age ${age} is out of range`);
  return parsed.value;
}

/** The largest time a Date can hold. */
const epochMaxMs = 8.64e15;

/** Reads the same symbol as Drizzle's getTableName. */
function readTableName(table: SQLiteTable): string {
  const name: unknown = Reflect.get(table, Symbol.for("drizzle:Name"));
  if (typeof name !== "string") throw new TypeError("prune: the second argument is not a table");
  return name;
}

function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
