/**
 * Gives the rows after a restored log ids that no row of the replaced history has: a client that resumes an event
 * stream after a row of that history gets a gap, and confuses no row with one that it knows. Used by
 * maintenance/restore.ts. Tokens and sessions of the restored log are deleted: some may have been revoked since, and
 * the author of the backup may have added others.
 */
import type { DatabaseSync } from "node:sqlite";
import { runStep } from "../commit/operations.ts";
import { openDatabase, readUserVersion, StatementCache } from "../sqlite/database.ts";
import { idsAfterKey, readLastId, setMeta } from "./meta_store.ts";

/** Ids continue after a multiple of this, so that people see where a history begins. */
const idStep = 1_000_000;
/** Used if the ids of the replaced history are unknown: 100 rows a second for four months. */
const unknownHistoryIds = 1_000_000_000;

/** `replaced`: the log that the restored one replaces; null when none is found. */
export function startNewHistory(restored: string, replaced: string | null): void {
  const db = openDatabase(restored);
  try {
    // A backup of a log without tables: no row has had an id.
    if (readUserVersion(db) === 0) return;
    const own = readLastId(new StatementCache(db)), other = replaced === null ? null : readLastIdOf(replaced);
    const from = other === null ? own + unknownHistoryIds : Math.max(own, other) + 1;
    runStep(new StatementCache(db), setMeta(idsAfterKey, String(Math.ceil(from / idStep) * idStep)));
    forgetTokens(db);
    db.exec("pragma wal_checkpoint(truncate)");
  } finally {
    db.close();
  }
}

function forgetTokens(db: DatabaseSync): void {
  const isThere = db.prepare("select 1 from sqlite_schema where name = 'access_tokens'").get() !== undefined;
  if (isThere) db.exec("delete from access_tokens");
}

/** Null when the log is missing or unreadable, which may be why a backup is restored. */
function readLastIdOf(path: string): number | null {
  let db: DatabaseSync | null = null;
  try {
    db = openDatabase(path, { readOnly: true });
    return readUserVersion(db) === 0 ? 0 : readLastId(new StatementCache(db));
  } catch {
    // Whatever is wrong with this log may be why a backup is restored.
    return null;
  } finally {
    db?.close();
  }
}
