/**
 * Replaces secret texts in values that are shown. Which texts are secret: config/permissions/secret_mask.ts. It is here
 * because threads that do not know the configuration mask too.
 */

/** A secret text, and what is shown in its place. */
export type Spelling = readonly [value: string, shown: string];

export class TextMask {
  /** The longest value first: one may contain another. */
  readonly spellings: readonly Spelling[];

  constructor(spellings: readonly Spelling[]) {
    this.spellings = spellings.toSorted(([a], [b]) => b.length - a.length);
  }

  text(text: string): string {
    let masked = text;
    for (const [value, shown] of this.spellings) masked = masked.replaceAll(value, shown);
    return masked;
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
}
