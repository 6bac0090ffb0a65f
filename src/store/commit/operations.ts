/**
 * Writes to the log, as data: they run on the kernel's thread or off it (commit_thread.ts), in the same way. Used by
 * group_commit.ts and commit_worker.ts.
 * I1. An operation is atomic; one that throws undoes no other.
 * I2. Every value reads back as it was written, and no text reads back cut off.
 */
import type { DatabaseSync } from "node:sqlite";
import { toStorableText } from "../../base/storable_text.ts";
import { readNewestId, sealRows } from "../log/chain.ts";
import type { StatementCache } from "../sqlite/database.ts";

export type Value = null | number | string;

/** One statement and its bound values. */
export interface Step {
  readonly sql: string;
  readonly values: readonly Value[];
}

/** The steps of one atomic write. When the first one changes nothing, the others do not run. */
export type Operation = readonly Step[];

/** Returns the number of changed rows. Throws SQLite's error. */
export function runStep(statements: StatementCache, { sql, values }: Step): number {
  const bound = values.some(isCutOff) ? values.map((value) => isCutOff(value) ? toStorableText(value) : value) : values;
  return Number(statements.get(sql).run(...bound).changes);
}

function isCutOff(value: Value): value is string {
  return typeof value === "string" && value.includes("\0");
}

/** The open transaction of a connection, and its operations so far. */
export class Transaction {
  readonly #db: DatabaseSync;
  readonly #statements: StatementCache;
  readonly #done: Operation[] = [];
  /** The newest row of the log before the transaction. */
  readonly #before: number;

  constructor(db: DatabaseSync, statements: StatementCache) {
    this.#db = db;
    this.#statements = statements;
    this.#before = readNewestId(statements);
  }

  /** Adds the new rows of the log to its chain of hashes; no operation may follow. Throws SQLite's error. */
  seal(): void {
    sealRows(this.#statements, this.#before);
  }

  /** Seals the transaction and commits it. */
  commit(): void {
    this.seal();
    this.#statements.get("commit").run();
  }

  /**
   * Performs one operation. False when its first step changed nothing. Throws SQLite's error; the operation then had no
   * effect. If SQLite rolled back everything, as on a full disk, no transaction is open afterwards.
   */
  perform(operation: Operation): boolean {
    let steps = 0;
    try {
      for (const step of operation) {
        if (runStep(this.#statements, step) === 0 && steps === 0) return false;
        steps++;
      }
    } catch (thrown) {
      // A failed statement undoes itself. Savepoints could undo the earlier ones, but make each operation a third
      // slower.
      if (steps > 0 && this.#db.isTransaction) this.#replay();
      throw thrown;
    }
    this.#done.push(operation);
    return true;
  }

  /** Repeats every operation after SQLite has rolled them back. False: that failed too. */
  redo(): boolean {
    this.#replay();
    return this.#db.isTransaction;
  }

  /** Repeats every operation except the failed one. */
  #replay(): void {
    try {
      if (this.#db.isTransaction) this.#statements.get("rollback").run();
      this.#statements.get("begin immediate").run();
      for (const operation of this.#done) for (const step of operation) runStep(this.#statements, step);
    } catch {
      // The caller sees that no transaction is open. The first error says more than this one.
      if (this.#db.isTransaction) this.#statements.get("rollback").run();
    }
  }
}
