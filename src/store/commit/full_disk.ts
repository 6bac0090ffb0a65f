/** Commits on a full disk with space from the reserve (reserve.ts), while some is left. Used by group_commit.ts. */
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

  /** Commits again after SQLite has rolled back. Null when that succeeded, else why it failed. */
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
