/**
 * The key of the last outcome that was taken from each sense's outbox: it is on disk here, and need not be delivered
 * again. An outbox holds one outcome at a time. Used by output_recorder.ts and manager.ts.
 */
export interface TakenStore {
  get(key: string): string | null;
  setAll(values: readonly (readonly [key: string, value: string])[]): void;
}

export class TakenOutcomes {
  readonly #store: TakenStore;
  readonly #last = new Map<string, string | null>();

  constructor(store: TakenStore) {
    this.#store = store;
  }

  lastKey(sense: string): string | null {
    let key = this.#last.get(sense);
    if (key === undefined) this.#last.set(sense, key = this.#store.get(storedAs(sense)));
    return key;
  }

  /** The entry to store in the same commit as the row of the outcome. Call `onStored` afterwards. */
  toEntry(sense: string, key: string): readonly [key: string, value: string] {
    return [storedAs(sense), key];
  }

  onStored(sense: string, key: string): void {
    this.#last.set(sense, key);
  }

  /** For an outcome that is on disk already. */
  take(sense: string, key: string): void {
    this.#store.setAll([this.toEntry(sense, key)]);
    this.onStored(sense, key);
  }
}

function storedAs(sense: string): string {
  return `taken:${sense}`;
}
