/** What the kernel's thread (commit_thread.ts) and the thread that commits for it (commit_worker.ts) send each other. */
import type { Operation } from "./operations.ts";

/** The database that the kernel's thread has open: another may take its place at the same path. */
export interface OpenedDatabase {
  readonly path: string;
  /** As `identifyFile` tells it. */
  readonly identity: string | null;
}

/** What the kernel's thread sends: first which database, then batches; null: no more will come. */
export type ToCommitter = OpenedDatabase | readonly Operation[] | null;

/** Of each operation whether it was done, or what SQLite said of it. */
export type OperationResult = boolean | string;

export type FromCommitter =
  | { readonly kind: "ready" }
  | { readonly kind: "closed" }
  | { readonly kind: "committed"; readonly results: readonly OperationResult[]; readonly tookMs: number }
  /** Nothing of the batch was done; before `ready`, nothing ever will be. */
  | { readonly kind: "failed"; readonly message: string };
