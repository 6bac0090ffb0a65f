/**
 * A database that another process writes and this one reads. Used by peers.ts. The log needs none of this: its reader
 * (store/log/reader.ts) runs only statements that take milliseconds, and the kernel has it open as long as anyone reads
 * it.
 * I1. Readers never keep the writer from emptying its -wal file for good: while that file is large and grows, readers
 *     wait.
 * I2. A process that may write nothing beside the database can read it, too. SQLite then needs the files -wal and -shm,
 *     and the last writer to close the database removes them: the kernel makes them again, empty.
 * I3. Nothing here uses what user code can replace.
 */
import type { DatabaseSync } from "node:sqlite";
import { systemClock } from "../base/clock.ts";
import {
  sharedLookMs,
  sharedWaitMaxMs,
  sharedWaitMs,
  walGrowingMs,
  walReadersMaxBytes,
} from "../base/database_limits.ts";
import { formatSize } from "../base/duration.ts";
import { messageOf, NerveError } from "../base/errors.ts";
import { uncurried } from "../base/uncurried.ts";
import { openDatabase } from "../store/sqlite/database.ts";

const { lstatSync } = Deno, { NotFound } = Deno.errors, { wait } = Atomics, { now } = Date;
const timeOf = uncurried(Date.prototype.getTime);
const never = new Int32Array(new SharedArrayBuffer(4));

export class SharedDatabase {
  readonly #path: string;
  readonly #what: string;
  /** The -shm file at the last look: a different one means that the database was closed and opened again. */
  #shared: string | null = null;
  #lookedAt = -Infinity;

  /** `what` names the database in errors. */
  constructor(path: string, what: string) {
    this.#path = path;
    this.#what = what;
  }

  /** Opens the database for reading. `onUnshared` asks the kernel for the files beside it. */
  open<T>(openReader: (path: string) => T, onUnshared: () => void): T {
    this.#lookedAt = -Infinity;
    try {
      return openReader(this.#path);
    } catch (thrown) {
      if (!unshared(thrown) || stat(this.#path) === null) throw thrown;
    }
    onUnshared();
    for (let waited = 0; waited < sharedWaitMaxMs && !this.#hasFiles(); waited += sharedWaitMs) pause(sharedWaitMs);
    return openReader(this.#path);
  }

  /**
   * Call this before each read: true when the database's files are no longer those that were opened. Waits while the
   * -wal file must be emptied first; throws NerveError STORE_FAILED when that takes too long.
   */
  look(): boolean {
    const at = systemClock.monotonic();
    if (at - this.#lookedAt < sharedLookMs) return false;
    const first = this.#lookedAt === -Infinity, shared = identify(`${this.#path}-shm`);
    for (let waited = 0; this.#mustShrink(); waited += sharedWaitMs) {
      if (waited >= sharedWaitMaxMs) this.#refuse();
      pause(sharedWaitMs);
    }
    this.#lookedAt = systemClock.monotonic();
    const before = this.#shared;
    this.#shared = shared;
    return !first && before !== null && shared !== before;
  }

  #mustShrink(): boolean {
    const file = stat(`${this.#path}-wal`);
    if (file === null || file.size <= walReadersMaxBytes) return false;
    return file.mtime !== null && now() - timeOf(file.mtime) < walGrowingMs;
  }

  #refuse(): never {
    throw new NerveError(
      "STORE_FAILED",
      `${this.#what} has more than ${
        formatSize(walReadersMaxBytes)
      } in its -wal file, which its readers keep it from emptying`,
      { hint: "read it less often, and less at a time" },
    );
  }

  #hasFiles(): boolean {
    return stat(`${this.#path}-wal`) !== null && stat(`${this.#path}-shm`) !== null;
  }
}

/** Opens a database for reading, and reads from it: only then does SQLite need the files beside it. */
export function openForReading(path: string): DatabaseSync {
  const db = openDatabase(path, { readOnly: true });
  try {
    db.prepare("select 1 from sqlite_schema limit 1").get();
    return db;
  } catch (thrown) {
    db.close();
    throw thrown;
  }
}

/** The errors of SQLite 3.53 where it may not make the -shm file. */
function unshared(thrown: unknown): boolean {
  return /unable to open database file|attempt to write a readonly database/.test(messageOf(thrown));
}

/** Inodes are reused, birth times are not. */
function identify(path: string): string | null {
  const file = stat(path);
  return file === null ? null : `${file.dev} ${file.ino} ${file.birthtime === null ? "" : timeOf(file.birthtime)}`;
}

function stat(path: string): Deno.FileInfo | null {
  try {
    return lstatSync(path);
  } catch (thrown) {
    if (thrown instanceof NotFound) return null;
    throw thrown;
  }
}

/** Blocks this thread: reads are synchronous. */
function pause(ms: number): void {
  wait(never, 0, 0, ms);
}
