/** The database of a sense as its process opens it, without the process. */
import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "../../src/base/time.ts";
import type { LoadProblem } from "../../src/protocol/message.ts";
import { migrateSenseDatabase, openSenseDatabase } from "../../src/store/sqlite/sense_database.ts";

export interface OpenedSense {
  readonly sqlite: DatabaseSync;
  readonly problems: LoadProblem[];
}

export async function openMigrated(path: string, migrationsFolder: string, clock?: Clock): Promise<OpenedSense> {
  const sqlite = openSenseDatabase(path);
  return { sqlite, problems: await migrateSenseDatabase(sqlite, path, migrationsFolder, clock) };
}
