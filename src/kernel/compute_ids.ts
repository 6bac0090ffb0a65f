/**
 * Ids of computes that are never given twice, also across restarts: "compute 812" in the log means one compute.
 * They are reserved in blocks. A reservation commits together with, or before, the first row that tells of its block:
 * both are written in the same turn or earlier, and a turn is one commit (store/writer.ts).
 */
import type { MetaStore } from "../store/meta_store.ts";

const key = "compute_ids_reserved";
const blockSize = 1_000;

export class ComputeIds {
  readonly #meta: Pick<MetaStore, "get" | "set">;
  #last: number;
  #reserved: number;

  constructor(meta: Pick<MetaStore, "get" | "set">) {
    this.#meta = meta;
    this.#last = this.#reserved = Number(meta.get(key) ?? 0);
  }

  next(): number {
    if (this.#last === this.#reserved) {
      this.#reserved += blockSize;
      this.#meta.set(key, String(this.#reserved));
    }
    return ++this.#last;
  }
}
