/**
 * Finds the rows of keys in the table `hook_keys`, by a hash of each key. The table has them in the order in which they
 * came: an index of the table would change other pages with nearly every key, each of which is written twice, and halve
 * the deliveries per second. Open addressing with linear probing; 16 to 32 bytes per key. Used by hook_store.ts.
 */

const smallest = 1_024;

export class DeliveryKeyIndex {
  /** The length is a power of two; a slot is free while its row is 0. At most three of four slots are taken. */
  #hashes = new Uint32Array(smallest);
  #rows = new Float64Array(smallest);
  #taken = 0;
  /** Earlier rows are forgotten: their slots are free after the next growth. */
  #from = 1;

  /** `row`: a positive integer. */
  add(key: string, row: number): void {
    if (this.#taken * 4 >= this.#rows.length * 3) this.#makeRoom();
    this.#put(hash(key), row);
  }

  /** The rows that may have the key. */
  find(key: string): number[] {
    const wanted = hash(key), mask = this.#rows.length - 1, found: number[] = [];
    for (let at = wanted & mask;; at = at + 1 & mask) {
      const row = this.#rows[at] ?? 0;
      if (row === 0) return found;
      if (this.#hashes[at] === wanted && row >= this.#from) found.push(row);
    }
  }

  /** Call this when these rows have left the table. */
  forgetUpTo(row: number): void {
    this.#from = Math.max(this.#from, row + 1);
  }

  #put(hashed: number, row: number): void {
    const mask = this.#rows.length - 1;
    let at = hashed & mask;
    while (this.#rows[at] !== 0) at = at + 1 & mask;
    this.#hashes[at] = hashed;
    this.#rows[at] = row;
    this.#taken++;
  }

  /** Frees at least half of the slots. Uses indexes: an iterator takes twice as long. */
  #makeRoom(): void {
    const hashes = this.#hashes, rows = this.#rows, from = this.#from;
    let kept = 0;
    for (let at = 0; at < rows.length; at++) if ((rows[at] ?? 0) >= from) kept++;
    const size = kept * 2 > rows.length ? rows.length * 2 : rows.length;
    this.#hashes = new Uint32Array(size);
    this.#rows = new Float64Array(size);
    this.#taken = 0;
    for (let at = 0; at < rows.length; at++) {
      const row = rows[at] ?? 0;
      if (row >= from) this.#put(hashes[at] ?? 0, row);
    }
  }
}

/** FNV-1a over UTF-16 units, with the last step of MurmurHash3, which spreads the differences of short texts. */
function hash(text: string): number {
  let mixed = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) mixed = Math.imul(mixed ^ text.charCodeAt(at), 0x01000193);
  mixed = Math.imul(mixed ^ mixed >>> 16, 0x85ebca6b);
  mixed = Math.imul(mixed ^ mixed >>> 13, 0xc2b2ae35);
  return (mixed ^ mixed >>> 16) >>> 0;
}
