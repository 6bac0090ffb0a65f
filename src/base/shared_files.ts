/** The -wal and -shm files beside a SQLite database, for readers that may not make them. */
import { identifyFile } from "./file_identity.ts";

/**
 * Makes the missing files beside an existing database. Empty files suffice, and the last writer that closes the
 * database removes both. An existing file is not opened: closing it would drop the locks of this process on it.
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
