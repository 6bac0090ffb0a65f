/** Messages between the kernel's thread (commit_thread.ts) and the commit thread (commit_worker.ts). */
import type { Operation } from "./operations.ts";

/** The database that the kernel's thread has open; another file may have replaced it at the same path. */
export interface OpenedDatabase {
  readonly path: string;
  /** From `identifyFile`. */
  readonly identity: string | null;
}

/** Messages to the commit thread: first the database, then batches; null ends the thread. */
export type ToCommitter = OpenedDatabase | readonly Operation[] | null;

/** For each operation: whether it changed anything, or SQLite's error message. */
export type OperationResult = boolean | string;

export type FromCommitter =
  | { readonly kind: "ready" }
  | { readonly kind: "closed" }
  | { readonly kind: "committed"; readonly results: readonly OperationResult[]; readonly tookMs: number }
  /** Nothing of the batch was done. Before `ready`: the thread cannot work at all. */
  | { readonly kind: "failed"; readonly message: string };
