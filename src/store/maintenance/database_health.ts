/**
 * Checks whether a database is sound, in a time that does not grow with it: a small one is checked as a whole, a large
 * one where damage shows first. `nerve store verify` checks every page. Used by `nerve doctor`.
 */
import type { DatabaseSync } from "node:sqlite";
import { messageOf } from "../../base/errors.ts";
import { openDatabase } from "../sqlite/database.ts";
import { readInfo } from "./data_files.ts";
import { findDatabaseFault } from "./odd_files.ts";
import { listStoredColumns, quickCheck } from "./quick_check.ts";

export interface DatabaseHealth {
  /** The fault; null when none was found. */
  readonly problem: string | null;
  /** Whether the database was checked as a whole. */
  readonly whole: boolean;
}

/** A larger database is checked in part: 64 MiB take 0.2 to 0.5 s. */
const wholeMaxBytes = 64 * 1024 ** 2;
/** How many rows are read at each end of each table. */
const endRows = 500;

export function checkDatabaseHealth(path: string, maxBytes = wholeMaxBytes): DatabaseHealth {
  let db: DatabaseSync | null = null;
  const fault = findDatabaseFault(path);
  if (fault !== null) return { problem: fault, whole: false };
  const whole = (readInfo(path)?.size ?? 0) <= maxBytes;
  try {
    db = openDatabase(path, { readOnly: true });
    return { problem: whole ? checkAll(db) : checkEnds(db), whole };
  } catch (thrown) {
    return { problem: messageOf(thrown), whole };
  } finally {
    db?.close();
  }
}

function checkAll(db: DatabaseSync): string | null {
  return quickCheck(db, 1)[0] ?? null;
}

/** Reads the first and last rows of each table. SQLite itself compares the length of the file with its header. */
function checkEnds(db: DatabaseSync): string | null {
  const tables = db.prepare("select name from sqlite_schema where type = 'table' and sql not like 'create virtual%'")
    .all();
  for (const { name } of tables) {
    const table = quoteName(String(name)), columns = listStoredColumns(db, String(name)).map(quoteName).join(", ");
    for (const order of hasRowId(db, table) ? ["rowid", "rowid desc"] : []) {
      db.prepare(`select ${columns} from ${table} order by ${order} limit ${endRows}`).all();
    }
  }
  return null;
}

function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function hasRowId(db: DatabaseSync, table: string): boolean {
  try {
    db.prepare(`select rowid from ${table} limit 1`);
    return true;
  } catch {
    // A table without rowids.
    return false;
  }
}
