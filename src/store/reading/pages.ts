/**
 * Pages of rows, runs and messages: at most `limit` items, and about `pageMaxBytes`, but at least one. Used by the
 * readers of the log, of runs and of the archive.
 */
import { pageMaxBytes } from "../../base/limits.ts";

/** Items in the order of the query. `more`: others follow the last one. */
export interface Page<T> {
  readonly items: T[];
  readonly more: boolean;
}

/** The bounds of a page. */
export interface PageBounds {
  readonly limit: number;
  /** Default: `pageMaxBytes`. */
  readonly maxBytes?: number;
}

/** Takes items in order until one does not fit. */
export class PageFill<T> {
  readonly items: T[] = [];
  readonly #limit: number;
  readonly #maxBytes: number;
  #bytes = 0;
  #full = false;

  constructor({ limit, maxBytes = pageMaxBytes }: PageBounds) {
    this.#limit = limit;
    this.#maxBytes = maxBytes;
  }

  /** Whether an item did not fit: the page is complete, and others follow it. */
  get full(): boolean {
    return this.#full;
  }

  /** How many more items fit by the limit. */
  get room(): number {
    return this.#limit - this.items.length;
  }

  add(item: T, bytes: number): void {
    if (this.#full) return;
    this.#bytes += bytes;
    this.#full = this.room <= 0 || (this.items.length > 0 && this.#bytes > this.#maxBytes);
    if (!this.#full) this.items.push(item);
  }

  toPage(): Page<T> {
    return { items: this.items, more: this.#full };
  }
}

/** How items of several sources are merged: each key once, in this order. */
export interface MergeOrder<T> {
  readonly descending: boolean;
  keyOf(item: T): number;
  bytesOf(item: T): number;
}

/**
 * One page of several sources, each in the given order. Items after the last item of a source that has more are left
 * for the next page: the source may have an item before them.
 */
export function mergePages<T>(pages: readonly Page<T>[], bounds: PageBounds, order: MergeOrder<T>): Page<T> {
  const { keyOf, bytesOf } = order, sign = order.descending ? -1 : 1;
  const lasts = pages.filter(({ more }) => more).map(({ items }) => items.at(-1)).filter((last) => last !== undefined);
  const bound = Math.min(...lasts.map((last) => sign * keyOf(last)));
  const sorted = pages.flatMap(({ items }) => items).sort((a, b) => sign * (keyOf(a) - keyOf(b)));
  const fill = new PageFill<T>(bounds);
  let before: number | null = null, left = false;
  for (const item of sorted) {
    const key = keyOf(item);
    if (key === before) continue;
    before = key;
    if (sign * key > bound) left = true;
    else fill.add(item, bytesOf(item));
  }
  return { items: fill.items, more: fill.full || left || lasts.length > 0 };
}
