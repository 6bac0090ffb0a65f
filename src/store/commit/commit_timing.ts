/**
 * When a batch is committed: at the end of a turn if somebody waits for it, else after a rest. Used by group_commit.ts.
 * On a slow disk a commit waits for those who are about to write too, which are as many as waited for the last one: they
 * were told of it and come again, and a commit of half of them makes all wait for two.
 * The commit follows by setImmediate: it wakes in 1.3 us where a MessageChannel takes 6 us and starves I/O (measured, 2.9.6).
 */
import { setImmediate } from "node:timers";
import type { NerveError } from "../../base/errors.ts";
import { commitPauseFactor, commitPauseMaxMs, commitPauseMinMs, commitSlowMs } from "../../base/limits.ts";
import type { CancelTimer, Clock } from "../../base/time.ts";
import type { Operation, Transaction } from "./operations.ts";

/** The operations of one commit, from the first of them to its end. */
export interface Batch {
  readonly committed: PromiseWithResolvers<void>;
  operations: number;
  /** Why an operation that nobody waits for by itself was lost. */
  loss: NerveError | null;
  /** How many wait for it. Else it rests; `cancel` undoes the wait for its commit, whatever it is for. */
  waiting: number;
  cancel: CancelTimer | null;
  /** What was done of it here. */
  transaction: Transaction | null;
  /** Of a batch for the thread, what it is made of. Null: it is done here. */
  readonly offThread: OffThreadOperation[] | null;
  /** It would have been committed by now, but the thread has another. */
  due: boolean;
}

export interface OffThreadOperation {
  readonly operation: Operation;
  readonly done: (changed: boolean) => void;
  /** It is counted already. */
  readonly lost: (error: NerveError) => void;
}

export function createBatch(behind: boolean): Batch {
  return {
    committed: Promise.withResolvers(),
    operations: 0,
    loss: null,
    waiting: 0,
    cancel: null,
    transaction: null,
    offThread: behind ? [] : null,
    due: false,
  };
}

export class CommitTiming {
  readonly #clock: Clock;
  readonly #commit: (batch: Batch) => void;
  /** Until then the disk rests, unless somebody waits. Monotonic. */
  #pauseUntil = -Infinity;
  /** What the last commit took, and the one before it, and how many waited for the last. */
  #tookMs = 0;
  #previousTookMs = 0;
  #expectedWaiting = 0;

  /** `commit` is told of a batch whose time has come; it may have been committed before. */
  constructor(clock: Clock, commit: (batch: Batch) => void) {
    this.#clock = clock;
    this.#commit = commit;
  }

  /** Whether the last two commits were: then the way to another thread and back is nothing beside the next one. */
  get slow(): boolean {
    return Math.min(this.#tookMs, this.#previousTookMs) > commitSlowMs;
  }

  /** `advance` is the batch that has been waiting for this one, if there is one. */
  recordCommit({ waiting }: Batch, tookMs: number, next: Batch | null): void {
    this.#previousTookMs = this.#tookMs;
    this.#tookMs = tookMs;
    this.#expectedWaiting = waiting + (next?.waiting ?? 0);
    const restMs = Math.min(commitPauseMaxMs, Math.max(commitPauseMinMs, tookMs * commitPauseFactor));
    this.#pauseUntil = this.#clock.monotonic() + restMs;
    if (next?.due !== true) return;
    // Before anybody else does anything: the thread would have nothing to do meanwhile.
    if (!this.slow) this.#commit(next);
    else this.#schedule(next);
  }

  /** One more waits for it. */
  enqueueAwaited(batch: Batch): void {
    batch.waiting++;
    if (batch.waiting === 1) this.#schedule(batch);
    else if (this.slow && batch.waiting === this.#expectedWaiting) setImmediate(() => this.#commit(batch));
  }

  /** Nobody waits for it so far. */
  enqueue(batch: Batch): void {
    if (batch.waiting > 0 || batch.cancel !== null) return;
    const restMs = this.#pauseUntil - this.#clock.monotonic();
    if (restMs <= 0) this.enqueueAwaited(batch);
    else batch.cancel = this.#clock.after(restMs, () => this.#commit(batch));
  }

  /** It is committed at the end of this turn, whoever may come after it. */
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
   * One operation alone is committed at the end of its turn. While turns bring further ones they share the commit, for no
   * longer than the last one took.
   */
  #commitWhenTurnEnds(batch: Batch, operations: number, latest: number): void {
    setImmediate(() => {
      if (batch.operations <= operations || this.#clock.monotonic() >= latest) this.#commit(batch);
      else this.#commitWhenTurnEnds(batch, batch.operations, latest);
    });
  }
}
