/**
 * Issues compute ids that stay unique across restarts: "compute 812" in the log means exactly one compute.
 * Ids are reserved in blocks. A reservation commits with or before the first row that names an id of its block: both
 * are written in the same turn or earlier, and a turn is one commit (store/commit/group_commit.ts).
 */

/** Small durable values, by key. */
export interface ValueStore {
  get(key: string): string | null;
  set(key: string, value: string): void;
}

const key = "compute_ids_reserved";
const blockSize = 1_000;

export class ComputeIds {
  readonly #meta: ValueStore;
  #last: number;
  #reserved: number;

  constructor(meta: ValueStore) {
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
