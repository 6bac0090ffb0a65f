/**
 * Indexes of the log that are not part of its format: a log without them can be read as well, only more slowly.
 * store.ts builds them when it opens the log for writing, unless the log has so many rows that this would take long.
 * The format of the log stays unchanged, so that an older nerve can continue with it.
 */
import type { DatabaseSync } from "node:sqlite";
import { ifPresent } from "../../base/if_present.ts";
import { inTransaction, openDatabase, readUserVersion, toStoreError } from "../sqlite/database.ts";

/** Rows of a source by type, each type in the order of ids. It replaces `logs_source`. */
export const sourceTypeIndex = "logs_source_type";

export function hasLogIndexes(db: DatabaseSync): boolean {
  return db.prepare("select 1 from sqlite_schema where type = 'index' and name = ?").get(sourceTypeIndex) !== undefined;
}

/** A larger log does not delay a start to build its index: `nerve store archive --vacuum` builds it. */
const rowsAtStartMax = 5_000_000;
/** Below this, building the index takes no noticeable time. */
const rowsToldMin = 200_000;
/** No row takes less space, with its entries in the indexes. */
const rowMinBytes = 80;

/** Builds missing indexes, unless the log has more than `rowsMax` rows. */
export function prepareLogIndexes(db: DatabaseSync, rowsMax: number = rowsAtStartMax): void {
  if (hasLogIndexes(db) || estimateLogRows(db) > rowsMax) return;
  inTransaction(db, () => {
    db.exec(`create index if not exists ${sourceTypeIndex} on logs (source, type); drop index if exists logs_source`);
  });
}

/** What an operator should know about the log at this path before or instead of a start; null: nothing. */
export interface MissingIndexes {
  /** The estimated maximum of rows. */
  readonly rows: number;
  /** Whether the next start builds them. */
  readonly atStart: boolean;
}

export function findMissingIndexes(logDatabasePath: string): MissingIndexes | null {
  if (ifPresent(() => Deno.statSync(logDatabasePath)) === null) return null;
  const db = openDatabase(logDatabasePath, { readOnly: true });
  try {
    if (readUserVersion(db) === 0 || hasLogIndexes(db)) return null;
    const rows = estimateLogRows(db);
    return rows < rowsToldMin ? null : { rows, atStart: rows <= rowsAtStartMax };
  } catch (thrown) {
    throw toStoreError(`the log ${logDatabasePath} cannot be read`, thrown);
  } finally {
    db.close();
  }
}

/** An upper bound of the log's rows, without counting. Ids have gaps where days were archived or data was restored. */
function estimateLogRows(db: DatabaseSync): number {
  const { ids, bytes } = db.prepare(
    "select coalesce((select max(id) from logs) - (select min(id) from logs) + 1, 0) as ids, page_count * page_size as bytes" +
      " from pragma_page_count, pragma_page_size",
  ).get() ?? {};
  return Math.min(Number(ids), Math.floor(Number(bytes) / rowMinBytes));
}
