/** The operations of one commit, from the first of them to its end. Used by group_commit.ts and commit_timing.ts. */
import type { NerveError } from "../../base/errors.ts";
import type { CancelTimer } from "../../base/time.ts";
import type { Operation, Transaction } from "./operations.ts";

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

export function newBatch(behind: boolean): Batch {
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
