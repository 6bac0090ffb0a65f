/**
 * `prune`: deletes the rows of a sense's table that are older than an age, so that its database does not grow without
 * bound. Used by the authors of senses as part of "nerve".
 * Drizzle is used by its types only: workflows import "nerve" as well, and loading it would delay their start by 4 ms.
 */
import type { SQLiteColumn, SQLiteTable } from "drizzle-orm/sqlite-core";
import { systemClock } from "../base/clock.ts";
import { parseDuration } from "../base/duration.ts";
import type { SenseDatabase } from "./sense.ts";

/** Columns that hold a time: `integer({mode: "timestamp_ms"})`, `integer({mode: "timestamp"})`, or epoch milliseconds. */
type TimeColumn<Table extends SQLiteTable> = {
  [Key in keyof Table["_"]["columns"]]: Table["_"]["columns"][Key]["_"] extends { data: Date | number }
    ? Table["_"]["columns"][Key]
    : never;
}[keyof Table["_"]["columns"]];

/**
 * Deletes the rows of `table` whose time in `column` is more than `age` ago; a row without a time stays.
 * `age` is a duration such as `"30d"`, or milliseconds; plain numbers in `column` are epoch milliseconds.
 * Returns how many rows went. Throws a TypeError when `age` is no duration or less than zero.
 * `db` may be a transaction; an index on `column` makes it cheap.
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
  if (!Number.isSafeInteger(bound)) throw new TypeError(`prune: ${time.name} holds no time`);
  // The bound is an integer by now and the names are quoted: nothing of a value can become SQL.
  const result = db.run(`delete from ${quoteName(readTableName(table))} where ${quoteName(time.name)} < ${bound}`);
  return Number((result as { changes: number | bigint }).changes);
}

function toMilliseconds(age: string | number): number {
  const parsed = typeof age === "string" ? parseDuration(age) : { ok: true, value: age } as const;
  if (!parsed.ok) throw new TypeError(`prune: the age must be a duration: ${parsed.error}`);
  if (!(parsed.value >= 0 && parsed.value <= epochMaxMs)) throw new TypeError(`prune: no such age: ${age}`);
  return parsed.value;
}

/** What a Date can hold. */
const epochMaxMs = 8.64e15;

/** What drizzle's own getTableName reads. */
function readTableName(table: SQLiteTable): string {
  const name: unknown = Reflect.get(table, Symbol.for("drizzle:Name"));
  if (typeof name !== "string") throw new TypeError("prune: the second argument is no table");
  return name;
}

function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
