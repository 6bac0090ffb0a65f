/**
 * Opens and migrates the database of one sense. Used in the sandbox by sense_runtime.ts. Its commits are not fsynced
 * one by one: a power cut may lose the newest readings, but never damages the database.
 */
import type { DatabaseSync } from "node:sqlite";
import { systemClock } from "../../base/clock.ts";
import type { Clock } from "../../base/time.ts";
import { messageOf } from "../../base/errors.ts";
import type { LoadProblem } from "../../protocol/message.ts";
import { openDatabase, toStoreError } from "./database.ts";
import { mayBeDiskFull } from "./disk_full.ts";
import { copyIntoMemory } from "./memory_copy.ts";
import { applyMigrations, findAppliedProblems } from "./migrations.ts";

const memory = ":memory:";

/** `path` may be ":memory:". Throws NerveError STORE_FAILED when the database cannot be opened or written. */
export function openSenseDatabase(path: string): DatabaseSync {
  const sqlite = openDatabase(path, { synchronous: "normal" });
  // A file for temporary tables would be in a folder without a grant.
  sqlite.exec("pragma temp_store = memory");
  return sqlite;
}

export interface OpenedSense {
  readonly sqlite: DatabaseSync;
  /** Why `sqlite` is a copy in memory, on a full disk, and loses what is written to it. Null: it is not a copy. */
  readonly unstored: string | null;
}

/** Like `openSenseDatabase`; on a full disk it opens a copy in memory, so that a sense can still report readings. */
export function openSenseOrCopy(path: string): OpenedSense {
  try {
    return { sqlite: openSenseDatabase(path), unstored: null };
  } catch (thrown) {
    const copy = mayBeDiskFull(thrown) ? copyIntoMemory(path) : null;
    if (copy === null) throw thrown;
    return { sqlite: copy, unstored: `${messageOf(thrown)} (is the disk full?)` };
  }
}

/**
 * Runs the pending migrations; returns their problems, each with its file. When it throws NerveError STORE_FAILED, it
 * has closed the database. It does not resolve with the handle: in the sandbox, user code can intercept that.
 */
export async function migrateSenseDatabase(
  sqlite: DatabaseSync,
  path: string,
  migrationsFolder: string,
  clock: Clock = systemClock,
): Promise<LoadProblem[]> {
  try {
    return await applyMigrations(sqlite, migrationsFolder, clock);
  } catch (thrown) {
    sqlite.close();
    throw toStoreError(`the database ${path} cannot be migrated`, thrown);
  }
}

/**
 * Empties the -wal file, which may no longer have a name: then no other process can. It waits for no reader. `exec`
 * runs a script of nerve's own; the rules of a guarded database stay, whatever fails here.
 */
export function closeSenseDatabase(
  sqlite: DatabaseSync,
  exec: (script: string) => void = (script) => sqlite.exec(script),
): void {
  if (!sqlite.isOpen) return;
  exec("pragma busy_timeout = 0; pragma wal_checkpoint(truncate)");
  sqlite.close();
}

/** The migrations of a folder that do not match those that ran in a database; it is only read, and may be missing. */
export async function checkApplied(path: string, migrationsFolder: string): Promise<LoadProblem[]> {
  try {
    Deno.statSync(path);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return [];
    throw thrown;
  }
  const sqlite = openDatabase(path, { readOnly: true });
  try {
    return await findAppliedProblems(sqlite, migrationsFolder);
  } finally {
    sqlite.close();
  }
}

/** The problems of a folder's migrations when applied to an empty database in memory. */
export async function checkMigrations(migrationsFolder: string): Promise<LoadProblem[]> {
  const sqlite = openSenseDatabase(memory), problems = await migrateSenseDatabase(sqlite, memory, migrationsFolder);
  sqlite.close();
  return problems;
}
