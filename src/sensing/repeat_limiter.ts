/**
 * Limits log rows that may repeat without end (a sense that returns null each second, a process that forges messages).
 * The first row of a kind is written at once; its repetitions are folded into one row a minute that counts them.
 * Used for non-actions, which `nerve why --sense` reads, and for rejected messages of processes. Counters elsewhere
 * count every occurrence.
 */
import type { CancelTimer, Clock } from "../base/time.ts";
import type { JsonObject } from "../protocol/json.ts";
import type { NewLogRow } from "../protocol/log.ts";

export const repeatWindowMs = 60_000;
/** Kinds of one source and type that are folded separately at a time; further ones share a row. */
const kindsMax = 20;

/** A row whose payload is an object, to which `repeated` can be added. */
export type RepeatableRow = Omit<NewLogRow, "payload"> & { readonly payload: JsonObject };

interface Fold {
  /** Repetitions since the last row. */
  repeated: number;
  last: RepeatableRow;
  cancel: CancelTimer;
}

export class RepeatLimiter {
  readonly #clock: Clock;
  readonly #append: (row: NewLogRow) => void;
  /** By source and type, then by kind. */
  readonly #folds = new Map<string, Map<string, Fold>>();

  constructor(clock: Clock, append: (row: NewLogRow) => void) {
    this.#clock = clock;
    this.#append = append;
  }

  /**
   * Writes the row, or folds it. `kind` separates rows that must not be folded together, such as by an error's text.
   * Returns true when the row was written: it is new, not a repetition.
   */
  record(row: RepeatableRow, kind: string): boolean {
    const key = `${row.source} ${row.type}`;
    let folds = this.#folds.get(key);
    if (folds === undefined) this.#folds.set(key, folds = new Map());
    const inner = folds.has(kind) || folds.size < kindsMax ? kind : "other";
    const fold = folds.get(inner);
    if (fold !== undefined) {
      fold.repeated++;
      fold.last = row;
      return false;
    }
    this.#append(row);
    folds.set(inner, { repeated: 0, last: row, cancel: this.#closeLater(folds, inner) });
    return true;
  }

  /** Writes the rows that are still folded. Called when the kernel stops. */
  flush(): void {
    for (const folds of this.#folds.values()) {
      for (const fold of folds.values()) {
        fold.cancel();
        this.#writeRepeats(fold);
      }
    }
    this.#folds.clear();
  }

  #closeLater(folds: Map<string, Fold>, kind: string): CancelTimer {
    return this.#clock.after(repeatWindowMs, () => {
      const fold = folds.get(kind);
      if (fold === undefined) return;
      if (fold.repeated === 0) {
        folds.delete(kind);
        return;
      }
      this.#writeRepeats(fold);
      fold.repeated = 0;
      fold.cancel = this.#closeLater(folds, kind);
    });
  }

  #writeRepeats({ repeated, last }: Fold): void {
    if (repeated > 0) this.#append({ ...last, payload: { ...last.payload, repeated } });
  }
}
