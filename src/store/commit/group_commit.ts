/**
 * Group commit: all writes of one turn of the event loop, or of turns in close succession, form one transaction with
 * one fsync; callers resume after it. Without callers that wait, the disk pauses after each commit, so that it takes a
 * small share of the event loop, however slow it is. Used by log_store.ts, run_store.ts, meta_store.ts and archiver.ts;
 * created by store.ts. A batch runs in one of two places:
 * - on the kernel's thread, operation by operation, over the connection that also reads them;
 * - off the thread, on the commit thread (commit_thread.ts), while commits are slow or large: then the event loop never
 *   waits for the disk. That thread takes one batch at a time; the next batch waits for it.
 * Every 1,000 pages, a commit also checkpoints the write-ahead log: a fast commit then takes a few times as long.
 * I1. A promise resolves only after the commit of its operation, and operations run in order.
 * I2. An operation that throws is undone alone; the others of its turn are committed.
 * I3. When a commit fails, its operations are undone and counted, and their promises reject. The writer stays usable.
 * I4. On a full disk a batch is committed with space from the reserve (reserve.ts), while some is left.
 * I5. While another program holds the database lock, operations wait in order, without blocking the event loop
 *     (write_lock.ts); those that wait too long are lost as in I3.
 */
import type { DatabaseSync } from "node:sqlite";
import { systemClock } from "../../base/clock.ts";
import type { NerveError } from "../../base/errors.ts";
import { commitManyOperations, commitOperationsMax } from "../../base/limits.ts";
import type { Clock } from "../../base/time.ts";
import { type StatementCache, toStoreError } from "../sqlite/database.ts";
import { type Committed, CommitThread } from "./commit_thread.ts";
import { type Batch, CommitTiming, createBatch, type OffThreadOperation, queueOffThread } from "./commit_timing.ts";
import { FullDisk } from "./full_disk.ts";
import { type Operation, Transaction } from "./operations.ts";
import type { SpareSpace } from "./reserve.ts";
import { whatFailed, WriteOutcomes } from "./write_outcomes.ts";
import { WriteLock } from "./write_lock.ts";

export class GroupCommit {
  #db: DatabaseSync;
  readonly #statements: StatementCache;
  readonly #clock: Clock;
  readonly outcomes: WriteOutcomes;
  readonly #lock: WriteLock;
  readonly #timing: CommitTiming;
  readonly #thread: CommitThread | null;
  readonly #fullDisk: FullDisk;
  /** Called after each commit; must not throw. */
  onCommit: () => void = () => {};
  #batch: Batch | null = null;
  /** The batch on the commit thread. */
  #offThreadBatch: Batch | null = null;
  #replacing = false;
  /** The number of operations in recent commits; decays. */
  #recentSize = 0;

  /** `onLost` is called for every loss; it must not throw. */
  constructor(
    db: DatabaseSync,
    statements: StatementCache,
    onLost: (error: NerveError, operations: number) => void = () => {},
    clock: Clock = systemClock,
    reserve: SpareSpace | null = null,
  ) {
    this.#db = db;
    this.#fullDisk = new FullDisk(reserve);
    this.#clock = clock;
    this.#statements = statements;
    this.outcomes = new WriteOutcomes(onLost);
    this.#timing = new CommitTiming(clock, (batch) => batch === this.#batch && this.#commit(batch));
    this.#lock = new WriteLock(db, statements, clock, () => this.#timing.enqueueAwaited(this.#openBatch()));
    const path = db.location();
    this.#thread = path === null ? null : new CommitThread(path, clock);
  }

  /** Resolves with whether the operation changed anything; rejects with NerveError STORE_FAILED. */
  async run(operation: Operation): Promise<boolean> {
    let batch = this.#openBatch(), result = false;
    try {
      while (batch.offThread === null && !this.#lock.begin()) {
        await this.#lock.waitUntilBegun();
        batch = this.#openBatch();
      }
      this.#timing.enqueueAwaited(batch);
      if (batch.offThread === null) result = this.#perform(batch, operation);
    } catch (thrown) {
      throw this.outcomes.countLoss(thrown, 1);
    }
    const { offThread } = batch;
    if (offThread !== null) {
      return await new Promise((resolve, reject) => this.#queue({ operation, done: resolve, lost: reject }));
    }
    await batch.committed.promise;
    return result;
  }

  /** Performs an operation that no caller awaits individually: a loss is counted, and `durable` rejects with it. */
  write(operation: Operation): void {
    const batch = this.#openBatch(), { offThread } = batch;
    try {
      if (offThread !== null) {
        this.#queue({ operation, done: () => {}, lost: (error) => batch.loss = error });
      } else if (!this.#lock.begin()) return void this.#writeLater(operation);
      else this.#perform(batch, operation);
      this.#timing.enqueue(batch);
    } catch (thrown) {
      this.#loseWrite(thrown);
    }
  }

  async #writeLater(operation: Operation): Promise<void> {
    try {
      await this.#lock.waitUntilBegun();
    } catch (thrown) {
      return this.#loseWrite(thrown);
    }
    this.write(operation);
  }

  #loseWrite(thrown: unknown): void {
    // The batch may be lost too; `durable` checks the one that is open now.
    const open = this.#openBatch();
    open.loss = this.outcomes.countLoss(thrown, 1);
    this.#timing.enqueueAwaited(open);
  }

  /** Resolves when every write so far is on disk; rejects when one of these commits lost an operation. */
  async durable(hurry = true): Promise<void> {
    if (this.#lock.isWaiting) {
      await this.#lock.waitUntilBegun().catch((thrown) => {
        throw toStoreError(whatFailed, thrown);
      });
    }
    if (hurry && this.#batch !== null) this.#timing.enqueueAwaited(this.#batch);
    const batches = [this.#offThreadBatch, this.#batch].filter((batch) => batch !== null);
    const settled = await Promise.allSettled(batches.map(({ committed }) => committed.promise));
    for (const each of settled) if (each.status === "rejected") throw each.reason;
    for (const { loss } of batches) if (loss !== null) throw loss;
  }

  /** Commits the open batch at the end of this turn, without waiting for further writers. */
  commitThisTurn(): void {
    if (this.#batch !== null) this.#timing.commitThisTurn(this.#batch);
  }

  /** Commits the batch on this thread now, or hands the batch off to the commit thread. */
  flush(): void {
    if (this.#batch !== null) this.#commit(this.#batch);
    // A batch for a thread that has ended now runs on this thread.
    if (this.#batch?.offThread === null) this.#commit(this.#batch);
  }

  /** Like `flush`; resolves when every write so far can be read, or is lost. */
  async recorded(): Promise<void> {
    this.flush();
    if (this.#offThreadBatch !== null || this.#batch !== null || this.#lock.isWaiting) {
      await this.durable().catch(() => {});
    }
  }

  /**
   * Continues over another connection to the same database. `replace` closes the earlier connections and opens the new
   * one, once no transaction is open and the commit thread has ended; it must be synchronous.
   */
  async replaceDatabase(replace: () => DatabaseSync): Promise<void> {
    this.#replacing = true;
    while (this.#offThreadBatch !== null) await this.durable().catch(() => {});
    await this.#thread?.end();
    if (this.#db.isOpen) this.flush();
    this.#db = replace();
    this.#statements.useDatabase(this.#db);
    this.#lock.useDatabase(this.#db);
    this.#replacing = false;
  }

  /** Starts no commit thread until `replaceDatabase` has succeeded: the thread would open the database again. */
  keepOnThread(): void {
    this.#replacing = true;
  }

  get #inTransaction(): boolean {
    return this.#db.isOpen && this.#db.isTransaction;
  }

  /** Commits everything and ends the commit thread. Nothing may be written afterwards. */
  async close(): Promise<void> {
    do {
      this.flush();
      // May wait for another program's lock; writes that it prevents are counted and reported like any loss.
      await this.durable().catch(() => {});
    } while (this.#batch !== null || this.#offThreadBatch !== null);
    await this.#thread?.end();
  }

  #commit(batch: Batch): void {
    if (batch.offThread !== null) return this.#handOff(batch, batch.offThread);
    this.#batch = null;
    batch.cancel?.();
    // Every operation failed before it began.
    if (!this.#inTransaction) return batch.committed.resolve();
    const from = this.#clock.monotonic();
    try {
      (batch.transaction ?? new Transaction(this.#db, this.#statements)).commit();
    } catch (thrown) {
      const failure = this.#fullDisk.commitAgain(batch.transaction, thrown);
      if (failure !== null) return void this.#abandon(batch, failure);
    }
    this.#recordCommit(batch, this.#clock.monotonic() - from);
    this.onCommit();
  }

  #handOff(batch: Batch, operations: OffThreadOperation[]): void {
    batch.due = true;
    if (this.#offThreadBatch !== null || this.#thread === null) return;
    this.#batch = null;
    batch.cancel?.();
    if (this.#replacing || !this.#thread.ensureReady()) return void this.#runOnThread(batch, operations);
    this.#offThreadBatch = batch;
    this.#fullDisk.commitOffThread(this.#thread, operations.map(({ operation }) => operation)).then(
      (committed) => this.#finishOffThread(batch, operations, committed),
      (thrown) => {
        this.#offThreadBatch = null;
        const error = this.#abandon(batch, thrown);
        for (const { lost } of operations) lost(error);
        this.commitThisTurn();
      },
    );
  }

  /** Runs a batch on this thread, because the commit thread has ended since the batch was opened. */
  async #runOnThread(batch: Batch, operations: readonly OffThreadOperation[]): Promise<void> {
    await Promise.all(operations.map(({ operation, done, lost }) => this.run(operation).then(done, lost)));
    batch.committed.resolve();
  }

  #finishOffThread(batch: Batch, operations: readonly OffThreadOperation[], { results, tookMs }: Committed): void {
    this.#offThreadBatch = null;
    for (const [index, { done, lost }] of operations.entries()) {
      const result = results[index];
      if (typeof result === "boolean") done(result);
      else {
        batch.operations--;
        lost(this.outcomes.countLoss(new Error(result), 1));
      }
    }
    this.outcomes.counters.operations += batch.operations;
    this.#recordCommit(batch, tookMs);
    this.onCommit();
  }

  #recordCommit(batch: Batch, tookMs: number): void {
    this.outcomes.counters.commits++;
    if (batch.operations > 0) this.outcomes.writeFailure = null;
    this.#recentSize = Math.max(batch.operations, this.#recentSize * 0.8);
    this.#timing.recordCommit(batch, tookMs, this.#batch);
    batch.committed.resolve();
  }

  #openBatch(): Batch {
    if (this.#batch !== null && this.#batch.operations >= commitOperationsMax) this.#commit(this.#batch);
    if (this.#batch === null) {
      this.#batch = createBatch(this.#shouldGoOffThread());
      // Each caller receives a failure through its own promise.
      this.#batch.committed.promise.catch(() => {});
    }
    return this.#batch;
  }

  #shouldGoOffThread(): boolean {
    if (this.#offThreadBatch !== null) return true;
    if (this.#thread === null || this.#replacing || this.#inTransaction || this.#lock.isWaiting) return false;
    const worth = this.#timing.slow || this.#recentSize >= commitManyOperations;
    return worth && this.#thread.ensureReady();
  }

  #queue(operation: OffThreadOperation): void {
    queueOffThread(this.#batch, operation, this.outcomes);
  }

  #perform(batch: Batch, operation: Operation): boolean {
    try {
      batch.transaction ??= new Transaction(this.#db, this.#statements);
      const result = batch.transaction.perform(operation);
      batch.operations++;
      this.outcomes.counters.operations++;
      return result;
    } catch (thrown) {
      // On a full disk or a failed read, SQLite itself rolls back everything.
      if (!this.#inTransaction) {
        if (this.#fullDisk.givesFor(thrown) && batch.transaction?.redo() === true) {
          return this.#perform(batch, operation);
        }
        this.#abandon(batch, thrown);
      }
      throw thrown;
    }
  }

  #abandon(batch: Batch, thrown: unknown): NerveError {
    if (this.#batch === batch) this.#batch = null;
    batch.cancel?.();
    if (batch.offThread === null && this.#inTransaction) this.#statements.get("rollback").run();
    const error = toStoreError(whatFailed, thrown);
    batch.committed.reject(error);
    if (batch.operations > 0) this.outcomes.countLoss(error, batch.operations);
    return error;
  }
}
