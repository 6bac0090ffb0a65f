/**
 * A log that begins anew beside the archive of the one before it, as after somebody removed data/logs.db: it goes on from
 * there. Else ids would be given twice, and what is archived would neither be found nor count as archived.
 * Used by store.ts when a log is opened.
 */
import type { DatabaseSync } from "node:sqlite";
import { NerveError } from "../../base/errors.ts";
import { runStep } from "../commit/operations.ts";
import { archivedUpToKey, idsAfterKey, setMeta } from "../log/meta_store.ts";
import { inTransaction, StatementCache } from "../sqlite/database.ts";
import { listArchivedDays, parseRowId, readLastLine } from "./archive_file.ts";
import { dayMs, parseDay } from "./days.ts";

/** Does nothing when the log holds a row or has been archived, or when there is no archive. */
export function continueIds(db: DatabaseSync, archiveFolder: string): void {
  const statements = new StatementCache(db);
  const begun = "select exists (select 1 from logs) or exists (select 1 from meta where key in (?, ?)) as begun";
  if (statements.get(begun).get(archivedUpToKey, idsAfterKey)?.begun === 1) return;
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
    // A damaged file of the archive is for verify to tell; it must keep no daemon from starting.
    if (thrown instanceof NerveError) return 0;
    throw thrown;
  }
}
