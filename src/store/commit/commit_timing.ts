/**
 * Decides when a batch is committed: at the end of a turn if a caller awaits it, otherwise after a pause. Used by
 * group_commit.ts. On a slow disk a commit also waits for the expected writers, as many as awaited the last commit:
 * they resume after it and write again, and committing only half of them would make all wait for two commits. It
 * commits by setImmediate, which fires in 1.3 us; a MessageChannel takes 6 us and starves I/O (measured, Deno 2.9.6).
 */
import type { NerveError } from "../../base/errors.ts";
import {
  commitPauseFactor,
  commitPauseMaxMs,
  commitPauseMinMs,
  commitSlowMs,
  commitWaitingMax,
} from "../../base/limits.ts";
import type { CancelTimer, Clock } from "../../base/time.ts";
import type { Operation, Transaction } from "./operations.ts";
import type { WriteOutcomes } from "./write_outcomes.ts";

/** The operations of one commit. */
export interface Batch {
  readonly committed: PromiseWithResolvers<void>;
  operations: number;
  /** Why an operation was lost that no caller awaits individually. */
  loss: NerveError | null;
  /** How many callers await the batch. Without any it pauses; `cancel` cancels the timer of its commit. */
  waiting: number;
  cancel: CancelTimer | null;
  /** The transaction on the kernel's thread. */
  transaction: Transaction | null;
  /** The operations of a batch for the commit thread; null for a batch on the kernel's thread. */
  readonly offThread: OffThreadOperation[] | null;
  /** True when its commit is due, but the commit thread is busy with another batch. */
  due: boolean;
}

export interface OffThreadOperation {
  readonly operation: Operation;
  readonly done: (changed: boolean) => void;
  /** Reports a loss that is counted already. */
  readonly lost: (error: NerveError) => void;
}

export function createBatch(offThread: boolean): Batch {
  return {
    committed: Promise.withResolvers(),
    operations: 0,
    loss: null,
    waiting: 0,
    cancel: null,
    transaction: null,
    offThread: offThread ? [] : null,
    due: false,
  };
}

/** Adds to an open batch for the commit thread. Calls `done` or `lost` before the batch's own promise settles. */
export function queueOffThread(batch: Batch | null, operation: OffThreadOperation, outcomes: WriteOutcomes): void {
  if (batch === null || batch.offThread === null || batch.operations >= commitWaitingMax) {
    const waiting = commitWaitingMax.toLocaleString("en-US");
    return operation.lost(outcomes.countLoss(new Error(`write queue full (${waiting} operations)`), 1));
  }
  batch.operations++;
  batch.offThread.push(operation);
}

export class CommitTiming {
  readonly #clock: Clock;
  readonly #commit: (batch: Batch) => void;
  /** Until this monotonic time the disk pauses, unless a caller waits. */
  #pauseUntil = -Infinity;
  /** The duration of the last commit and of the one before it, and how many callers awaited the last. */
  #tookMs = 0;
  #previousTookMs = 0;
  #expectedWaiting = 0;

  /** `commit` is called for a batch that is due; it may have been committed already. */
  constructor(clock: Clock, commit: (batch: Batch) => void) {
    this.#clock = clock;
    this.#commit = commit;
  }

  /** Whether the last two commits were slow: then the round trip to the commit thread hardly matters. */
  get slow(): boolean {
    return Math.min(this.#tookMs, this.#previousTookMs) > commitSlowMs;
  }

  /** `next`: the batch that has been waiting for this commit, if there is one. */
  recordCommit({ waiting }: Batch, tookMs: number, next: Batch | null): void {
    this.#previousTookMs = this.#tookMs;
    this.#tookMs = tookMs;
    this.#expectedWaiting = waiting + (next?.waiting ?? 0);
    const pauseMs = Math.min(commitPauseMaxMs, Math.max(commitPauseMinMs, tookMs * commitPauseFactor));
    this.#pauseUntil = this.#clock.monotonic() + pauseMs;
    if (next?.due !== true) return;
    // At once, before any other work: the commit thread would be idle meanwhile.
    if (!this.slow) this.#commit(next);
    else this.#schedule(next);
  }

  /** Adds a caller that awaits the batch. */
  enqueueAwaited(batch: Batch): void {
    batch.waiting++;
    if (batch.waiting === 1) this.#schedule(batch);
    else if (this.slow && batch.waiting === this.#expectedWaiting) setImmediate(() => this.#commit(batch));
  }

  /** Schedules a batch that no caller awaits so far. */
  enqueue(batch: Batch): void {
    if (batch.waiting > 0 || batch.cancel !== null) return;
    const pauseMs = this.#pauseUntil - this.#clock.monotonic();
    if (pauseMs <= 0) this.enqueueAwaited(batch);
    else batch.cancel = this.#clock.after(pauseMs, () => this.#commit(batch));
  }

  /** Commits at the end of this turn, without waiting for further writers. */
  commitThisTurn(batch: Batch): void {
    setImmediate(() => this.#commit(batch));
  }

  #schedule(batch: Batch): void {
    if (!this.slow) {
      return this.#commitWhenTurnEnds(batch, batch.operations + 1, this.#clock.monotonic() + this.#tookMs);
    }
    if (batch.waiting >= this.#expectedWaiting) return this.commitThisTurn(batch);
    const cancel = batch.cancel;
    cancel?.();
    batch.cancel = this.#clock.after(this.#tookMs / 2, () => this.#commit(batch));
  }

  /**
   * Commits a single operation at the end of its turn. While following turns add operations, they share the commit, for
   * no longer than the last commit took.
   */
  #commitWhenTurnEnds(batch: Batch, operations: number, latest: number): void {
    setImmediate(() => {
      if (batch.operations <= operations || this.#clock.monotonic() >= latest) this.#commit(batch);
      else this.#commitWhenTurnEnds(batch, batch.operations, latest);
    });
  }
}
