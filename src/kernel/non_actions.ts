/**
 * The reasons for what did not happen, as rows of the log that stay few: the first of a kind is written at once, its
 * repetitions are folded into one row a minute that counts them. Counters count every single one.
 * Used by the kernel's sense desk; the rows are what `nerve why --sense` reads.
 */
import type { CancelTimer, Clock } from "../base/clock.ts";
import type { Json, JsonObject } from "../protocol/json.ts";
import type { NewLogRow } from "../protocol/log.ts";
import type { NonActionReason } from "../protocol/signal.ts";

export const foldMs = 60_000;
/** Different texts of one sense and reason that are told apart at a time; further ones share a row. */
const foldsPerReasonMax = 20;

interface Fold {
  /** Repetitions since the last row. */
  repeated: number;
  last: JsonObject;
  causeId: number | null;
  cancel: CancelTimer;
}

export class NonActions {
  readonly #clock: Clock;
  readonly #append: (row: NewLogRow) => void;
  /** sense and reason, then what tells its kinds apart. */
  readonly #folds = new Map<string, Map<string, Fold>>();

  constructor(clock: Clock, append: (row: NewLogRow) => void) {
    this.#clock = clock;
    this.#append = append;
  }

  /**
   * Records one non-action of `sense`. `kind` tells apart what must not be folded together (an error's text); `detail`
   * goes into the row. True when it got a row of its own: then it is news, else a repetition.
   */
  record(sense: string, reason: NonActionReason, kind: string, detail: JsonObject, causeId: number | null): boolean {
    const key = `${sense} ${reason}`;
    let folds = this.#folds.get(key);
    if (folds === undefined) this.#folds.set(key, folds = new Map());
    const inner = folds.has(kind) || folds.size < foldsPerReasonMax ? kind : "other";
    const fold = folds.get(inner);
    if (fold !== undefined) {
      fold.repeated++;
      fold.last = detail;
      fold.causeId = causeId;
      return false;
    }
    this.#write(sense, reason, detail, causeId);
    folds.set(inner, { repeated: 0, last: detail, causeId, cancel: this.#close(sense, reason, inner) });
    return true;
  }

  /** Writes what is still folded; called when the kernel stops. */
  flush(): void {
    for (const [key, folds] of this.#folds) {
      const [sense = "", reason] = key.split(" ");
      for (const fold of folds.values()) {
        fold.cancel();
        this.#writeFold(sense, reason as NonActionReason, fold);
      }
    }
    this.#folds.clear();
  }

  #close(sense: string, reason: NonActionReason, kind: string): CancelTimer {
    return this.#clock.after(foldMs, () => {
      const folds = this.#folds.get(`${sense} ${reason}`), fold = folds?.get(kind);
      if (folds === undefined || fold === undefined) return;
      if (fold.repeated === 0) {
        folds.delete(kind);
        return;
      }
      this.#writeFold(sense, reason, fold);
      fold.repeated = 0;
      fold.cancel = this.#close(sense, reason, kind);
    });
  }

  #writeFold(sense: string, reason: NonActionReason, { repeated, last, causeId }: Fold): void {
    if (repeated > 0) this.#write(sense, reason, { ...last, repeated }, causeId);
  }

  #write(sense: string, reason: NonActionReason, payload: Json, causeId: number | null): void {
    this.#append({ source: `sense:${sense}`, type: `sense.${reason}`, refId: sense, causeId, payload });
  }
}
