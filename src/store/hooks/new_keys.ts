/**
 * Tells of nearly every new key that it is not in the table `hook_keys`, without a look into it: a commit of the commit
 * thread empties the pages that the kernel's connection holds, so that each look read them again, for a fifth of the
 * processor time of a delivery. Used by hook_store.ts.
 * I1. A key that the filter does not have is in no row and on no way to the disk, once the filter is complete.
 */
import { hookKeysMax } from "../../base/hook_limits.ts";
import type { StatementCache } from "../sqlite/database.ts";
import { KeyFilter } from "./key_filter.ts";

/**
 * `step`: how many keys of the table a question adds until the filter has all of them, 0.2 ms. `max`: the oldest of so many
 * have left the table, and the filter begins anew.
 */
const usual = { step: 200, max: 2 * hookKeysMax };

export class NewKeys {
  readonly #statements: StatementCache;
  readonly #durable: () => Promise<void>;
  readonly #sizes: typeof usual;
  #filter: KeyFilter | null = null;
  #size = 0;
  /** "begun": what was on its way to the disk when the filter began may not be there yet. */
  #state: "begun" | "waits" | "learns" | "complete" = "begun";
  #learnedTo = "";

  /** `durable` resolves when all that was written so far is on disk. */
  constructor(statements: StatementCache, durable: () => Promise<void>, sizes = usual) {
    this.#statements = statements;
    this.#durable = durable;
    this.#sizes = sizes;
  }

  /** Of a delivery that is about to be written. */
  add(keys: readonly string[]): void {
    if (this.#size > this.#sizes.max) this.#filter = null;
    const filter = this.#begin();
    for (const key of keys) filter.add(key);
    this.#size += keys.length;
  }

  /** False: it may be known. */
  isNew(key: string): boolean {
    const filter = this.#begin();
    if (this.#state === "learns") this.#learn(filter);
    return this.#state === "complete" && !filter.mayHave(key);
  }

  #begin(): KeyFilter {
    if (this.#filter === null) {
      this.#filter = new KeyFilter();
      [this.#size, this.#state, this.#learnedTo] = [0, "begun", ""];
    }
    const filter = this.#filter;
    if (this.#state === "begun") {
      this.#state = "waits";
      const go = (state: "learns" | "begun") => {
        if (this.#filter === filter) this.#state = state;
      };
      // A loss, which its writer is told of, may have left others under way: the next question waits again.
      void this.#durable().then(() => go("learns"), () => go("begun"));
    }
    return filter;
  }

  #learn(filter: KeyFilter): void {
    const sql = "select key from hook_keys where key > ? order by key limit ?";
    const rows = this.#statements.get(sql).all(this.#learnedTo, this.#sizes.step);
    for (const { key } of rows) filter.add(String(key));
    this.#size += rows.length;
    this.#learnedTo = String(rows.at(-1)?.key ?? "");
    if (rows.length < this.#sizes.step) this.#state = "complete";
  }
}
