/**
 * Empties the -wal file of a sense's database once no reader prevents it. SQLite itself would do so at the sense's next
 * commit, which may be a day away; until then the file counts against its group's disk limit. Used by sense_runtime.ts.
 */
import { systemClock } from "../base/clock.ts";
import { walKeptMaxBytes, walTidyMs } from "../base/database_limits.ts";
import { databaseBusyMaxMs } from "../base/limits.ts";
import { execAsNerve, type GuardedDatabase } from "../store/sqlite/guarded_database.ts";
import { closeSenseDatabase, openSenseDatabase } from "../store/sqlite/sense_database.ts";

const { statSync } = Deno, { NotFound } = Deno.errors;

export class WalTidy {
  readonly #file: string;
  readonly #database: GuardedDatabase;
  #waits = false;

  constructor(path: string, database: GuardedDatabase) {
    this.#file = `${path}-wal`;
    this.#database = database;
  }

  /** Call this after each compute: checks the file a little later, and again until it is small. */
  lookSoon(): void {
    // A database in memory has no such file.
    if (this.#waits || this.#file === ":memory:-wal") return;
    this.#waits = true;
    systemClock.after(walTidyMs, () => {
      this.#waits = false;
      this.#look();
    });
  }

  #look(): void {
    if (!this.#database.isOpen || sizeOf(this.#file) <= walKeptMaxBytes) return;
    if (!this.#database.isTransaction) {
      // The checkpoint waits for no reader: the thread would wait too.
      execAsNerve(
        this.#database,
        `pragma busy_timeout = 0; pragma wal_checkpoint(truncate); pragma busy_timeout = ${databaseBusyMaxMs}`,
      );
    }
    this.lookSoon();
  }
}

/** Does the same for a sense that is not loaded. */
export function tidyClosedDatabase(path: string): void {
  if (sizeOf(`${path}-wal`) > walKeptMaxBytes) closeSenseDatabase(openSenseDatabase(path));
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch (thrown) {
    if (thrown instanceof NotFound) return 0;
    throw thrown;
  }
}
