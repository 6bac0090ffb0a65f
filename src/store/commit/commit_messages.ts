/** What the kernel's thread (commit_thread.ts) and the thread that commits for it (commit_worker.ts) send each other. */
import type { Operation } from "./operations.ts";

/** The file that the kernel's thread has open: a workspace may be removed and made again at the same path. */
export interface FileIdentity {
  readonly path: string;
  readonly dev: number;
  readonly ino: number | null;
}

export function identifyFile(path: string): FileIdentity {
  const { dev, ino } = Deno.statSync(path);
  return { path, dev, ino };
}

/** What the kernel's thread sends: first which database, then batches; null: no more will come. */
export type ToCommitter = FileIdentity | readonly Operation[] | null;

/** Of each operation whether it was done, or what SQLite said of it. */
export type OperationResult = boolean | string;

export type FromCommitter =
  | { readonly kind: "ready" }
  | { readonly kind: "closed" }
  | { readonly kind: "committed"; readonly results: readonly OperationResult[]; readonly tookMs: number }
  /** Nothing of the batch was done; before `ready`, nothing ever will be. */
  | { readonly kind: "failed"; readonly message: string };
