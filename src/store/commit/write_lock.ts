/**
 * Begins the writer's transactions, which takes SQLite's single write lock. When another program holds it, writers wait
 * by the clock: SQLite's own wait would block the event loop, and with it every sense and run, for two seconds per
 * write. Used by group_commit.ts.
 * I1. Nothing here blocks: it takes the lock at once, or retries every `lockRetryMs`.
 * I2. Waiting writers resume in order, inside the transaction that took the lock.
 * I3. After `databaseBusyMaxMs` the waiting writers fail; later ones start a new wait.
 */
import type { DatabaseSync } from "node:sqlite";
import { messageOf } from "../../base/errors.ts";
import { commitOperationsMax, databaseBusyMaxMs, lockRetryMs } from "../../base/limits.ts";
import type { Clock } from "../../base/time.ts";
import type { StatementCache } from "../sqlite/database.ts";

interface Wait {
  readonly begun: PromiseWithResolvers<void>;
  /** In monotonic time. */
  readonly until: number;
  waiting: number;
}

export class WriteLock {
  #db: DatabaseSync;
  readonly #statements: StatementCache;
  readonly #clock: Clock;
  readonly #onBegin: () => void;
  #wait: Wait | null = null;

  /** `onBegin` is called when a transaction has begun for waiting writers, before they resume. */
  constructor(db: DatabaseSync, statements: StatementCache, clock: Clock, onBegin: () => void) {
    this.#db = db;
    this.#statements = statements;
    this.#clock = clock;
    this.#onBegin = onBegin;
  }

  useDatabase(db: DatabaseSync): void {
    this.#db = db;
  }

  /** Whether writers wait because another program holds the lock. */
  get isWaiting(): boolean {
    return this.#wait !== null;
  }

  /** True: a transaction is open. False: await `waitUntilBegun`. Throws any error of SQLite except a held lock. */
  begin(): boolean {
    if (this.#db.isTransaction) return true;
    if (this.#wait !== null) return false;
    if (this.#tryBegin() === null) return true;
    const begun = Promise.withResolvers<void>();
    // Each writer receives a failure through its own promise.
    begun.promise.catch(() => {});
    this.#wait = { begun, until: this.#clock.monotonic() + databaseBusyMaxMs, waiting: 0 };
    this.#retryLater(this.#wait);
    return false;
  }

  /** Resolves when a transaction is open; rejects with SQLite's error when that takes too long. */
  async waitUntilBegun(): Promise<void> {
    if (this.#wait === null) return;
    if (this.#wait.waiting++ >= commitOperationsMax) {
      throw new Error(
        `database is locked; write queue full (${commitOperationsMax.toLocaleString("en-US")} operations)`,
      );
    }
    await this.#wait.begun.promise;
  }

  #retryLater(wait: Wait): void {
    this.#clock.after(lockRetryMs, () => {
      try {
        const lockError = this.#tryBegin();
        if (lockError !== null && this.#clock.monotonic() < wait.until) return this.#retryLater(wait);
        this.#wait = null;
        if (lockError !== null) return wait.begun.reject(lockError);
        this.#onBegin();
        wait.begun.resolve();
      } catch (thrown) {
        this.#wait = null;
        wait.begun.reject(thrown);
      }
    });
  }

  /** Null when a transaction has begun, otherwise SQLite's error about the lock. */
  #tryBegin(): unknown {
    if (this.#db.isTransaction) return null;
    // Not through the cache: a pragma takes effect when it is compiled.
    this.#db.exec("pragma busy_timeout = 0");
    try {
      this.#statements.get("begin immediate").run();
      return null;
    } catch (thrown) {
      if (/database is locked/.test(messageOf(thrown))) return thrown;
      throw thrown;
    } finally {
      this.#db.exec(`pragma busy_timeout = ${databaseBusyMaxMs}`);
    }
  }
}
