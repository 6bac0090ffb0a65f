/**
 * Opens and migrates the database of one sense. Used in the sandbox by sense_runtime.ts.
 * Its commits are not fsynced one by one: a power cut may lose the newest readings, but never damages the database.
 */
import type { DatabaseSync } from "node:sqlite";
import { systemClock } from "../../base/clock.ts";
import type { Clock } from "../../base/time.ts";
import type { LoadProblem } from "../../protocol/message.ts";
import { openDatabase, toStoreError } from "./database.ts";
import { applyMigrations, findAppliedProblems } from "./migrations.ts";

export interface OpenedSense {
  readonly sqlite: DatabaseSync;
  /** The problems of the migrations, each with its file; the database is open nonetheless. */
  readonly problems: LoadProblem[];
}

/** `path` may be ":memory:". Throws NerveError STORE_FAILED when the database cannot be opened or written. */
export async function openSenseDatabase(
  path: string,
  migrationsFolder: string,
  clock: Clock = systemClock,
): Promise<OpenedSense> {
  const sqlite = openDatabase(path, { synchronous: "normal" });
  try {
    const problems = await applyMigrations(sqlite, migrationsFolder, clock);
    return { sqlite, problems };
  } catch (thrown) {
    sqlite.close();
    throw toStoreError(`the database ${path} cannot be migrated`, thrown);
  }
}

/**
 * The migrations of a folder that do not match those that have run in a database, which is read-only and may be
 * missing.
 */
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
  const { sqlite, problems } = await openSenseDatabase(":memory:", migrationsFolder);
  sqlite.close();
  return problems;
}
