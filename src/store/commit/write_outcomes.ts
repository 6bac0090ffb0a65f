/** Counts the outcomes of writes, and reports each loss. Used by group_commit.ts. */
import type { NerveError } from "../../base/errors.ts";
import { toStoreError } from "../sqlite/database.ts";

/** `lost` counts operations that could not be written. */
export interface CommitCounters {
  operations: number;
  commits: number;
  lost: number;
}

export const whatFailed = "the log cannot be written";

export class WriteOutcomes {
  readonly counters: CommitCounters = { operations: 0, commits: 0, lost: 0 };
  /** The last failure; null once a later commit has succeeded. */
  writeFailure: NerveError | null = null;
  readonly #onLost: (error: NerveError, operations: number) => void;

  constructor(onLost: (error: NerveError, operations: number) => void) {
    this.#onLost = onLost;
  }

  countLoss(thrown: unknown, operations: number): NerveError {
    const error = toStoreError(whatFailed, thrown);
    this.counters.lost += operations;
    this.writeFailure = error;
    this.#onLost(error, operations);
    return error;
  }
}
