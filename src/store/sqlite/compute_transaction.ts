/**
 * Makes a compute one transaction of its sense's database: what it wrote and what it returned become durable together,
 * or not at all. The returned value stays in the table `_outbox` until the next entry, in case the kernel did not get
 * it. Used in the sandbox by sense_outbox.ts.
 * I1. A transaction that user code ended itself stays ended: what follows runs in autocommit mode.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";

/** The last entry; null when there is none. */
export function readOutbox(db: DatabaseSync): string | null {
  const table = db.prepare("select 1 from sqlite_schema where type = 'table' and name = '_outbox'").get();
  const row = table === undefined ? undefined : db.prepare("select entry from _outbox").get();
  return row === undefined ? null : String(row.entry);
}

export class ComputeTransaction {
  readonly #db: DatabaseSync;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #rollback: StatementSync;
  readonly #changes: StatementSync;
  #put: StatementSync | null = null;
  #changesBefore = 0;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#begin = db.prepare("begin");
    this.#commit = db.prepare("commit");
    this.#rollback = db.prepare("rollback");
    this.#changes = db.prepare("select total_changes() as n");
  }

  /** Without `whole`, user code manages transactions itself. */
  begin(whole: boolean): void {
    if (!this.#db.isOpen) return;
    if (whole && !this.#db.isTransaction) this.#begin.run();
    this.#changesBefore = this.#countChanges();
  }

  /**
   * Commits what was written since `begin`. If anything was, puts `entry` with it and returns true. When the commit
   * fails, undoes it and throws SQLite's error.
   */
  commit(entry: string | null): boolean {
    if (!this.#db.isOpen) return false;
    try {
      const puts = entry !== null && this.#countChanges() !== this.#changesBefore;
      if (puts) this.#putEntry(entry);
      if (this.#db.isTransaction) this.#commit.run();
      return puts;
    } catch (thrown) {
      this.rollback();
      throw thrown;
    }
  }

  rollback(): void {
    // The table may have been created in this transaction. On a full disk SQLite itself has rolled back by now.
    this.#put = null;
    if (this.#db.isOpen && this.#db.isTransaction) this.#rollback.run();
  }

  #putEntry(entry: string): void {
    if (this.#put === null) {
      this.#db.exec(
        "create table if not exists _outbox (slot integer primary key check (slot = 1), entry text not null) strict",
      );
      this.#put = this.#db.prepare("insert or replace into _outbox values (1, ?)");
    }
    this.#put.run(entry);
  }

  #countChanges(): number {
    return Number(this.#changes.get()?.n ?? 0);
  }
}
