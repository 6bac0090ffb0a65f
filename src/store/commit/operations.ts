/**
 * What is written to the log, as data: done on the kernel's own thread or behind it (commit_thread.ts), always alike.
 * Used by group_commit.ts and commit_worker.ts.
 * I1. An operation happens as a whole or not at all; one that throws takes no other with it.
 */
import type { DatabaseSync } from "node:sqlite";
import type { StatementCache } from "../sqlite/database.ts";

export type Value = null | number | string;

/** One statement and what is bound to it. */
export interface Step {
  readonly sql: string;
  readonly values: readonly Value[];
}

/** Steps that belong together. When the first one changes nothing the others are not done. */
export type Operation = readonly Step[];

/** How many rows it changed. Throws what SQLite says. */
export function runStep(statements: StatementCache, { sql, values }: Step): number {
  return Number(statements.get(sql).run(...values).changes);
}

/** The transaction that is open on a connection, and what was done in it. */
export class Transaction {
  readonly #db: DatabaseSync;
  readonly #statements: StatementCache;
  readonly #done: Operation[] = [];

  constructor(db: DatabaseSync, statements: StatementCache) {
    this.#db = db;
    this.#statements = statements;
  }

  /**
   * False: its first step changed nothing. Throws what SQLite says, and has done nothing then. Where SQLite has undone
   * everything by itself, as on a full disk, no transaction is open afterwards.
   */
  perform(operation: Operation): boolean {
    let steps = 0;
    try {
      for (const step of operation) {
        if (runStep(this.#statements, step) === 0 && steps === 0) return false;
        steps++;
      }
    } catch (thrown) {
      // A statement undoes itself. Savepoints would undo the others, but cost each operation a third more.
      if (steps > 0 && this.#db.isTransaction) this.#replay();
      throw thrown;
    }
    this.#done.push(operation);
    return true;
  }

  /** Everything but the operation that failed. */
  #replay(): void {
    try {
      this.#statements.get("rollback").run();
      this.#statements.get("begin immediate").run();
      for (const operation of this.#done) for (const step of operation) runStep(this.#statements, step);
    } catch {
      // It shows: no transaction is open. Why the first operation failed says more than why the others did.
      if (this.#db.isTransaction) this.#statements.get("rollback").run();
    }
  }
}
