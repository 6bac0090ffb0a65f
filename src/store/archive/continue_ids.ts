/**
 * Lets a new log continue the ids of an existing archive, such as after data/logs.db was removed. Otherwise ids would
 * be assigned twice, and the archived rows would neither be found nor count as archived. Used by store.ts when it opens
 * a log.
 */
import type { DatabaseSync } from "node:sqlite";
import { NerveError } from "../../base/errors.ts";
import { runStep } from "../commit/operations.ts";
import { archivedUpToKey, idsAfterKey, setMeta } from "../log/meta_store.ts";
import { inTransaction, StatementCache } from "../sqlite/database.ts";
import { listArchivedDays, parseRowId, readLastLine } from "./archive_file.ts";
import { dayMs, parseDay } from "./days.ts";

/** Does nothing when the log has a row or was archived before, or when there is no archive. */
export function continueIds(db: DatabaseSync, archiveFolder: string): void {
  const statements = new StatementCache(db);
  const used = "select exists (select 1 from logs) or exists (select 1 from meta where key in (?, ?)) as used";
  if (statements.get(used).get(archivedUpToKey, idsAfterKey)?.used === 1) return;
  let lastId = 0, upTo = -Infinity;
  for (const { day, path, bytes } of listArchivedDays(archiveFolder)) {
    lastId = Math.max(lastId, readLastId(path, bytes));
    upTo = Math.max(upTo, (parseDay(day) ?? -Infinity) + dayMs);
  }
  if (lastId === 0) return;
  inTransaction(db, () => {
    runStep(statements, setMeta(archivedUpToKey, String(upTo)));
    runStep(statements, setMeta(idsAfterKey, String(lastId)));
  });
}

function readLastId(path: string, bytes: number): number {
  try {
    const line = readLastLine(path, bytes);
    return line === null ? 0 : parseRowId(line, path);
  } catch (thrown) {
    // `nerve store verify` reports a damaged archive file; it must not prevent a daemon from starting.
    if (thrown instanceof NerveError) return 0;
    throw thrown;
  }
}
