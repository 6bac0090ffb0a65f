/**
 * Replaces secret texts in values that are shown. secret_spellings.ts decides which texts are secret. It is separate
 * because threads and sandboxes that do not know the configuration mask too.
 */

/** A secret text, and what is shown in its place. */
export type Spelling = readonly [value: string, shown: string];

/** Shorter texts have not been cut. */
const cutMinChars = 1_000;
/** A shorter part of a secret reveals little, and occurs in too many other texts. */
const partMinChars = 4;
/** Where a text was cut, only this much of a secret's beginning is searched for. */
const partMaxChars = 4_096;

export class TextMask {
  /** The longest value first: one may contain another. */
  readonly spellings: readonly Spelling[];

  constructor(spellings: readonly Spelling[]) {
    this.spellings = spellings.toSorted(([a], [b]) => b.length - a.length);
  }

  /** Masks a text. A long text may have been cut in the middle of a secret: the rest at its end is masked too. */
  text(text: string): string {
    let masked = text;
    // A function: of a text, `$&` would put the secret back, and a variable may be called that.
    for (const [value, shown] of this.spellings) masked = masked.replaceAll(value, () => shown);
    return text.length < cutMinChars ? masked : this.#maskEnd(masked);
  }

  /**
   * Masks a JSON value, or an object with JSON fields, including its keys; the same object when there are no secrets.
   */
  mask<T>(value: T): T {
    if (this.spellings.length === 0) return value;
    return this.#walk(value) as T;
  }

  #walk(value: unknown): unknown {
    if (typeof value === "string") return this.text(value);
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map((each) => this.#walk(each));
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [this.text(key), this.#walk(inner)]));
  }

  /** Masks the beginning of a secret at the end of the text, or before the dots that mark a cut. */
  #maskEnd(text: string): string {
    const dots = text.endsWith("...") ? "..." : "", whole = text.slice(0, text.length - dots.length);
    for (const [value, shown] of this.spellings) {
      const length = measureOverlap(whole, value.slice(0, partMaxChars));
      if (length >= partMinChars) return whole.slice(0, whole.length - length) + shown + dots;
    }
    return text;
  }
}

/** The length of the longest beginning of `value` that is the end of `text`. */
function measureOverlap(text: string, value: string): number {
  const last = text.at(-1);
  for (let length = Math.min(value.length, text.length); length > 0; length--) {
    if (value[length - 1] === last && text.endsWith(value.slice(0, length))) return length;
  }
  return 0;
}
