/**
 * Indexes of the log that are no part of its format: a log without them is read as well, only more slowly. Whoever opens
 * the log to write it builds them (store.ts), unless it has so many rows that this would take long.
 */
import type { DatabaseSync } from "node:sqlite";
import { inTransaction } from "../sqlite/database.ts";

/** Rows of a source by type, each in the order of ids. It replaces `logs_source`. */
export const sourceTypeIndex = "logs_source_type";

export function hasLogIndexes(db: DatabaseSync): boolean {
  return db.prepare("select 1 from sqlite_schema where type = 'index' and name = ?").get(sourceTypeIndex) !== undefined;
}

/** Rows for which the index is built in about the time that a start may take: 1 to 2 us a row (measured). */
const rowsAtStartMax = 5_000_000;

/** Builds what is missing, unless the log has more than `rowsMax` rows. Whether it has its indexes now. */
export function prepareLogIndexes(db: DatabaseSync, rowsMax = rowsAtStartMax): boolean {
  if (hasLogIndexes(db)) return true;
  if (estimateLogRows(db) > rowsMax) return false;
  inTransaction(db, () => {
    db.exec(`create index if not exists ${sourceTypeIndex} on logs (source, type); drop index if exists logs_source`);
  });
  return true;
}

/** At most how many rows the log has: it needs no count. */
export function estimateLogRows(db: DatabaseSync): number {
  const { first, last } = db.prepare("select (select min(id) from logs) as first, (select max(id) from logs) as last")
    .get() ?? {};
  return first === null || last === null ? 0 : Number(last) - Number(first) + 1;
}
