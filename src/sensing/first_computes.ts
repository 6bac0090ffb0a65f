/**
 * Bounds how many senses of one process load at the same time, and how many compute for the first time: a group may
 * hold thousands, on one thread and in one heap. Owned by compute_runner.ts, one for each process.
 * I1. At most `loadsMax` senses load, and at most `firstComputesMax` are between the beginning of their first compute
 *     here and its end. The others wait: manual requests come first, then the earliest due.
 * I2. A sense that has loaded never waits.
 */
import { firstComputesMax, loadsMax } from "../base/limits.ts";
import type { ComputeOrder } from "./ports.ts";

interface WaitingFirst {
  readonly sense: string;
  readonly order: ComputeOrder;
  /** False: the sense is only loaded. */
  readonly computes: boolean;
  /** Returns false when the compute is no longer wanted. */
  readonly begin: () => boolean;
}

export class FirstComputes {
  readonly #loading = new Set<string>();
  readonly #computing = new Set<string>();
  readonly #loaded = new Set<string>();
  /** Sorted by the order in which they begin. */
  readonly #waiting: WaitingFirst[] = [];

  /** How many senses the process has loaded. */
  get loaded(): number {
    return this.#loaded.size;
  }

  /**
   * Calls `begin`, which sends a compute of the sense, as soon as allowed: at once if the sense has loaded. `begin`
   * returns whether the compute is still wanted.
   */
  compute(sense: string, order: ComputeOrder, begin: () => boolean): void {
    this.#enter({ sense, order, computes: true, begin });
  }

  /** The same for loading the sense ahead of a compute. */
  load(sense: string, order: ComputeOrder, begin: () => void): void {
    if (this.#loaded.has(sense) || this.#loading.has(sense)) return;
    this.#enter({
      ...{ sense, order, computes: false },
      begin: () => {
        begin();
        return true;
      },
    });
  }

  /** The process has reported whether the load of a sense succeeded. */
  onLoaded(sense: string, succeeded: boolean): void {
    this.#loading.delete(sense);
    if (succeeded) this.#loaded.add(sense);
    this.#beginNext();
  }

  /** A compute of the sense has ended, with any outcome. */
  onEnded(sense: string): void {
    // Had the load succeeded, the process would have reported it before.
    this.#loading.delete(sense);
    this.#computing.delete(sense);
    this.#beginNext();
  }

  #enter(first: WaitingFirst): void {
    if (this.#mayBegin(first)) return this.#begin(first);
    // Searched from the end: computes are mostly requested in the order in which they are due.
    const before = this.#waiting.findLastIndex(({ order }) => !isBefore(first.order, order));
    this.#waiting.splice(before + 1, 0, first);
  }

  #mayBegin({ sense, computes }: WaitingFirst): boolean {
    if (this.#loaded.has(sense)) return true;
    const loads = this.#loading.has(sense) || this.#loading.size < loadsMax;
    return loads && (!computes || this.#computing.size < firstComputesMax);
  }

  #begin({ sense, computes, begin }: WaitingFirst): void {
    if (!begin() || this.#loaded.has(sense)) return;
    this.#loading.add(sense);
    if (computes) this.#computing.add(sense);
  }

  #beginNext(): void {
    for (;;) {
      const [next] = this.#waiting;
      if (next === undefined || !this.#mayBegin(next)) return;
      this.#waiting.shift();
      // The sense was loaded for another reason meanwhile.
      if (!next.computes && this.#loaded.has(next.sense)) continue;
      this.#begin(next);
    }
  }
}

function isBefore(a: ComputeOrder, b: ComputeOrder): boolean {
  return a.asked === b.asked ? a.dueAt < b.dueAt : a.asked;
}
