/** The two files beside a SQLite database, for readers who may not make them. */
import { identifyFile } from "./file_identity.ts";

/**
 * Makes those that are missing beside a database that exists. Empty ones will do, and the last writer that closes the
 * database takes both with it. One that exists is not opened: the locks of this process on it would be lost.
 */
export function makeSharedFiles(database: string): void {
  if (identifyFile(database) === null) return;
  for (const end of ["-wal", "-shm"]) {
    try {
      Deno.openSync(`${database}${end}`, { createNew: true, write: true, mode: 0o600 }).close();
    } catch (thrown) {
      if (!(thrown instanceof Deno.errors.AlreadyExists)) throw thrown;
    }
  }
}
