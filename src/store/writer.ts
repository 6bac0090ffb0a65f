/**
 * Group commit: what is written in one turn of the event loop, or in turns that follow each other closely, is one
 * transaction and one fsync, and whoever waits is told after it. While rows come that nobody waits for, the disk gets a
 * rest after each commit, so that it takes a small share of the event loop however slow it is.
 * Used by log_store.ts, run_store.ts and meta_store.ts, all over one connection; made by store.ts.
 * Operations run at once, inside the open transaction, so that a read on the same connection sees them. The commit
 * follows by setImmediate: it wakes in 1.3 us where a MessageChannel takes 6 us and starves I/O (measured, 2.9.6).
 * I1. A promise resolves only after the commit that holds its operation.
 * I2. An operation that throws is undone alone; the others of its turn are committed.
 * I3. When a commit fails, all of its operations are undone, their promises reject, and their number is counted. The
 *     writer stays usable.
 * I4. While another program holds the lock of the database, operations wait in their order, off the event loop
 *     (write_lock.ts); those that wait too long are lost as in I3.
 */
import type { DatabaseSync } from "node:sqlite";
import { setImmediate } from "node:timers";
import type { NerveError } from "../base/errors.ts";
import { type CancelTimer, type Clock, systemClock } from "../base/clock.ts";
import { commitOperationsMax, commitRestMaxMs, commitRestMinMs, commitRestTimes } from "../base/limits.ts";
import { type StatementCache, storeError } from "./sqlite.ts";
import { WriteLock } from "./write_lock.ts";

/** `lost` counts operations that could not be written. */
export interface WriterCounters {
  operations: number;
  commits: number;
  lost: number;
}

/** The operations of one commit. */
interface Batch {
  readonly committed: PromiseWithResolvers<void>;
  operations: number;
  /** Why an operation that nobody waits for by itself was lost. */
  loss: NerveError | null;
  /** Whether it is committed at the end of this turn. Else `cancel` undoes the wait for the end of the rest. */
  atOnce: boolean;
  cancel: CancelTimer | null;
}

export class Writer {
  readonly counters: WriterCounters = { operations: 0, commits: 0, lost: 0 };
  readonly #db: DatabaseSync;
  readonly #statements: StatementCache;
  readonly #clock: Clock;
  readonly #onLost: (error: NerveError, operations: number) => void;
  readonly #lock: WriteLock;
  /** Called after each commit; must not throw. */
  onCommit: () => void = () => {};
  #batch: Batch | null = null;
  #trouble: NerveError | null = null;
  /** Until then the disk rests, unless somebody waits. Monotonic. */
  #restUntil = -Infinity;
  /** What the last commit took. */
  #tookMs = 0;

  /** `onLost` is told of every loss; it must not throw. */
  constructor(
    db: DatabaseSync,
    statements: StatementCache,
    onLost: (error: NerveError, operations: number) => void = () => {},
    clock: Clock = systemClock,
  ) {
    this.#db = db;
    this.#clock = clock;
    this.#statements = statements;
    this.#onLost = onLost;
    this.#lock = new WriteLock(db, statements, clock, () => this.#commitAtOnce(this.#openBatch()));
  }

  /** The last failure, until something is committed again. */
  get trouble(): NerveError | null {
    return this.#trouble;
  }

  /** Runs several statements as one operation; resolves with its result, rejects with NerveError STORE_FAILED. */
  async run<T>(operation: () => T): Promise<T> {
    let batch = this.#openBatch();
    let result: T;
    try {
      while (!this.#lock.begin()) {
        await this.#lock.free();
        batch = this.#openBatch();
      }
      this.#commitAtOnce(batch);
      result = this.#perform(batch, () => this.#undoable(operation));
    } catch (thrown) {
      throw this.#lose(storeError("the log cannot be written", thrown), 1);
    }
    await batch.committed.promise;
    return result;
  }

  /** Runs one statement that nobody waits for by itself: its loss is counted, and `durable` rejects with it. */
  write(statement: () => unknown): void {
    const batch = this.#openBatch();
    try {
      if (!this.#lock.begin()) return void this.#writeLater(statement);
      this.#commitRested(batch);
      this.#perform(batch, statement);
    } catch (thrown) {
      this.#loseWrite(thrown);
    }
  }

  async #writeLater(statement: () => unknown): Promise<void> {
    try {
      await this.#lock.free();
    } catch (thrown) {
      return this.#loseWrite(thrown);
    }
    this.write(statement);
  }

  #loseWrite(thrown: unknown): void {
    // The batch may have gone with it; `durable` looks at the one that is open now.
    const open = this.#openBatch();
    open.loss = this.#lose(storeError("the log cannot be written", thrown), 1);
    this.#commitAtOnce(open);
  }

  /** Resolves when everything so far is on disk; rejects when something of this commit is lost. */
  async durable(): Promise<void> {
    if (this.#lock.waited) {
      await this.#lock.free().catch((thrown) => {
        throw storeError("the log cannot be written", thrown);
      });
    }
    const batch = this.#batch;
    if (batch === null) return;
    this.#commitAtOnce(batch);
    await batch.committed.promise;
    if (batch.loss !== null) throw batch.loss;
  }

  /** What is open is committed at the end of this turn, whoever may come after it. */
  hurry(): void {
    const batch = this.#batch;
    if (batch !== null) setImmediate(() => batch === this.#batch && this.flush());
  }

  /** Commits now. */
  flush(): void {
    const batch = this.#batch;
    if (batch === null) return;
    this.#batch = null;
    batch.cancel?.();
    const from = this.#clock.monotonic();
    try {
      // Nothing is open when every operation failed before it began.
      if (this.#db.isTransaction) {
        this.#statements.get("commit").run();
        this.counters.commits++;
        if (batch.operations > 0) this.#trouble = null;
      }
      const now = this.#clock.monotonic(), restMs = (this.#tookMs = now - from) * commitRestTimes;
      this.#restUntil = now + Math.min(commitRestMaxMs, Math.max(commitRestMinMs, restMs));
      batch.committed.resolve();
    } catch (thrown) {
      this.#abandon(batch, thrown);
      return;
    }
    this.onCommit();
  }

  #openBatch(): Batch {
    if (this.#batch !== null && this.#batch.operations >= commitOperationsMax) this.flush();
    if (this.#batch === null) {
      this.#batch = { committed: Promise.withResolvers(), operations: 0, loss: null, atOnce: false, cancel: null };
      // Those who wait hear of a failure through their own promise.
      this.#batch.committed.promise.catch(() => {});
    }
    return this.#batch;
  }

  #commitAtOnce(batch: Batch): void {
    if (batch.atOnce) return;
    batch.atOnce = true;
    this.#commitWhenAll(batch, batch.operations + 1, this.#clock.monotonic() + this.#tookMs);
  }

  /**
   * One operation alone is committed at the end of its turn. While turns bring further ones they share the commit, for no
   * longer than the last one took: the slower the disk, the more it is worth to wait for those who are about to write.
   */
  #commitWhenAll(batch: Batch, operations: number, latest: number): void {
    setImmediate(() => {
      if (batch !== this.#batch) return;
      if (batch.operations <= operations || this.#clock.monotonic() >= latest) this.flush();
      else this.#commitWhenAll(batch, batch.operations, latest);
    });
  }

  #commitRested(batch: Batch): void {
    if (batch.atOnce || batch.cancel !== null) return;
    const restMs = this.#restUntil - this.#clock.monotonic();
    if (restMs <= 0) this.#commitAtOnce(batch);
    else batch.cancel = this.#clock.after(restMs, () => this.flush());
  }

  #perform<T>(batch: Batch, operation: () => T): T {
    try {
      const result = operation();
      batch.operations++;
      this.counters.operations++;
      return result;
    } catch (thrown) {
      // A full disk or a failed read makes SQLite roll back everything by itself.
      if (!this.#db.isTransaction) this.#abandon(batch, thrown);
      throw thrown;
    }
  }

  #undoable<T>(operation: () => T): T {
    this.#statements.get("savepoint operation").run();
    try {
      const result = operation();
      this.#statements.get("release operation").run();
      return result;
    } catch (thrown) {
      if (this.#db.isTransaction) {
        this.#statements.get("rollback to operation").run();
        this.#statements.get("release operation").run();
      }
      throw thrown;
    }
  }

  #abandon(batch: Batch, thrown: unknown): void {
    if (this.#batch === batch) this.#batch = null;
    batch.cancel?.();
    if (this.#db.isTransaction) this.#statements.get("rollback").run();
    const error = storeError("the log cannot be written", thrown);
    batch.committed.reject(error);
    if (batch.operations > 0) this.#lose(error, batch.operations);
  }

  #lose(error: NerveError, operations: number): NerveError {
    this.counters.lost += operations;
    this.#trouble = error;
    this.#onLost(error, operations);
    return error;
  }
}
