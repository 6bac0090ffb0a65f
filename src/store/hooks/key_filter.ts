/**
 * A Bloom filter of keys: it tells for certain that a key was not added, and of 1 in 1,400 others that it might have been
 * when a million were added, of 1 in 60 when two million were. Used by hook_store.ts.
 * Source of the figures: B. H. Bloom, Space/Time Trade-offs in Hash Coding with Allowable Errors, 1970; the positions
 * are made of two hashes as in A. Kirsch and M. Mitzenmacher, Less Hashing, Same Performance, 2006.
 */

/** 2 MiB. */
const bits = 2 ** 24, hashes = 6;

export class KeyFilter {
  readonly #words = new Uint32Array(bits / 32);

  add(key: string): void {
    for (const at of positionsOf(key)) this.#words[at >>> 5] = (this.#words[at >>> 5] ?? 0) | 1 << at;
  }

  /** False: it was not added. */
  mayHave(key: string): boolean {
    return positionsOf(key).every((at) => ((this.#words[at >>> 5] ?? 0) & 1 << at) !== 0);
  }
}

function positionsOf(key: string): number[] {
  const first = hash(key, 0x811c9dc5), step = hash(key, 0x9747b28c) | 1;
  return Array.from({ length: hashes }, (_, n) => first + Math.imul(n, step) & bits - 1);
}

/** FNV-1a over UTF-16 units, and the last step of MurmurHash3, which spreads what short texts differ in. */
function hash(text: string, start: number): number {
  let mixed = start;
  for (let at = 0; at < text.length; at++) mixed = Math.imul(mixed ^ text.charCodeAt(at), 0x01000193);
  mixed = Math.imul(mixed ^ mixed >>> 16, 0x85ebca6b);
  mixed = Math.imul(mixed ^ mixed >>> 13, 0xc2b2ae35);
  return mixed ^ mixed >>> 16;
}
