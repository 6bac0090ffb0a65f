/** Commits on a full disk with the help of the reserve (reserve.ts), while there is some. Used by group_commit.ts. */
import { isDiskFull } from "../sqlite/disk_full.ts";
import type { Committed, CommitThread } from "./commit_thread.ts";
import type { Operation, Transaction } from "./operations.ts";
import type { SpareSpace } from "./reserve.ts";

export class FullDisk {
  readonly #reserve: SpareSpace | null;

  constructor(reserve: SpareSpace | null) {
    this.#reserve = reserve;
  }

  /** Whether the disk was full and now has a little space. */
  givesFor(thrown: unknown): boolean {
    return this.#reserve !== null && isDiskFull(thrown) && this.#reserve.give();
  }

  /** SQLite has rolled back the transaction. Null when it was committed after all, else why it was not. */
  commitAgain(transaction: Transaction | null, thrown: unknown): unknown {
    let failure = thrown;
    while (this.givesFor(failure) && transaction?.redo() === true) {
      try {
        transaction.commit();
        return null;
      } catch (again) {
        failure = again;
      }
    }
    return failure;
  }

  async commitOffThread(thread: CommitThread, operations: readonly Operation[]): Promise<Committed> {
    for (;;) {
      try {
        return await thread.commit(operations);
      } catch (thrown) {
        if (!this.givesFor(thrown)) throw thrown;
      }
    }
  }
}
