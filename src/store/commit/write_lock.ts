/**
 * Begins the writer's transactions, which takes SQLite's one write lock. When another program holds it, who wants to
 * write waits by the clock: SQLite's own wait would hold up the event loop, and every sense and run with it, for two
 * seconds a write. Used by group_commit.ts.
 * I1. Nothing here blocks: the lock is had at once, or asked for again every `lockRetryMs`.
 * I2. Whoever waits goes on in the order in which he came, inside the transaction that the lock was taken for.
 * I3. After `databaseBusyMaxMs` those who wait are told that the lock was not to be had; the next ones wait anew.
 */
import type { DatabaseSync } from "node:sqlite";
import { messageOf } from "../../base/errors.ts";
import { commitOperationsMax, databaseBusyMaxMs, lockRetryMs } from "../../base/limits.ts";
import type { Clock } from "../../base/time.ts";
import type { StatementCache } from "../sqlite/database.ts";

interface Wait {
  readonly begun: PromiseWithResolvers<void>;
  /** Monotonic. */
  readonly until: number;
  waiting: number;
}

export class WriteLock {
  readonly #db: DatabaseSync;
  readonly #statements: StatementCache;
  readonly #clock: Clock;
  readonly #onBegin: () => void;
  #wait: Wait | null = null;

  /** `taken` is called when a transaction was begun for those who waited, before they go on. */
  constructor(db: DatabaseSync, statements: StatementCache, clock: Clock, taken: () => void) {
    this.#db = db;
    this.#statements = statements;
    this.#clock = clock;
    this.#onBegin = taken;
  }

  /** Another program holds the lock, as far as is known. */
  get isWaiting(): boolean {
    return this.#wait !== null;
  }

  /** True: a transaction is open. False: `free` tells when it is. Throws what SQLite says of anything but the lock. */
  begin(): boolean {
    if (this.#db.isTransaction) return true;
    if (this.#wait !== null) return false;
    if (this.#tryBegin() === null) return true;
    const begun = Promise.withResolvers<void>();
    // Those who wait hear of a failure through their own promise.
    begun.promise.catch(() => {});
    this.#wait = { begun, until: this.#clock.monotonic() + databaseBusyMaxMs, waiting: 0 };
    this.#retryLater(this.#wait);
    return false;
  }

  /** Resolves when a transaction is open; rejects with what SQLite said when that takes too long. */
  async waitUntilBegun(): Promise<void> {
    if (this.#wait === null) return;
    if (this.#wait.waiting++ >= commitOperationsMax) throw new Error("database is locked, and too much waits for it");
    await this.#wait.begun.promise;
  }

  #retryLater(wait: Wait): void {
    this.#clock.after(lockRetryMs, () => {
      try {
        const refused = this.#tryBegin();
        if (refused !== null && this.#clock.monotonic() < wait.until) return this.#retryLater(wait);
        this.#wait = null;
        if (refused !== null) return wait.begun.reject(refused);
        this.#onBegin();
        wait.begun.resolve();
      } catch (thrown) {
        this.#wait = null;
        wait.begun.reject(thrown);
      }
    });
  }

  /** Null: a transaction was begun. Else what SQLite said of the lock. */
  #tryBegin(): unknown {
    if (this.#db.isTransaction) return null;
    // Never out of the cache: a pragma takes effect when it is compiled.
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
