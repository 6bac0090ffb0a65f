/**
 * The ids of one hook's deliveries that not all of its senses have processed: counts them, to decide whether there is
 * room for another. Used by hook_receiver.ts.
 */

export class Backlog {
  #ids: number[] = [];
  /** How many at the beginning of `#ids` were processed. */
  #heard = 0;

  /** `ids`: the deliveries on disk, oldest first. */
  constructor(ids: readonly number[]) {
    this.#ids = [...ids];
  }

  /** Call this with ascending ids. */
  add(id: number): void {
    this.#ids.push(id);
  }

  /** The delivery was lost. */
  remove(id: number): void {
    const at = this.#ids.lastIndexOf(id);
    if (at >= this.#heard) this.#ids.splice(at, 1);
  }

  /** How many are left when everything up to this row was processed. */
  count(heardUpTo: number): number {
    while (this.#heard < this.#ids.length && (this.#ids[this.#heard] ?? 0) <= heardUpTo) this.#heard++;
    // Not for each one: moving the rest of a long list takes time.
    if (this.#heard > 1_000 && this.#heard * 2 > this.#ids.length) {
      this.#ids = this.#ids.slice(this.#heard);
      this.#heard = 0;
    }
    return this.#ids.length - this.#heard;
  }
}
