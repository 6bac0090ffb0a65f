/**
 * Recognizes a repeated delivery by its keys: on disk, or on its way there. Used by hook_receiver.ts.
 * I1. From `add` until `remove`, every other delivery with one of the keys finds this one.
 */
import type { HookPorts } from "./ports.ts";

/** A delivery. `stored` resolves with null once it is on disk, or with why it was lost; null: it is on disk. */
export interface KnownDelivery {
  readonly id: number;
  readonly stored: Promise<string | null> | null;
}

export class Deduplication {
  readonly #findKeys: HookPorts["findKeys"];
  readonly #pending = new Map<string, KnownDelivery>();

  /** `findKeys`: returns the row of the delivery on disk that has one of these keys. */
  constructor(findKeys: HookPorts["findKeys"]) {
    this.#findKeys = findKeys;
  }

  /** The delivery that has one of these keys; null when none has. */
  find(keys: readonly string[]): KnownDelivery | null {
    for (const key of keys) {
      const pending = this.#pending.get(key);
      if (pending !== undefined) return pending;
    }
    const id = this.#findKeys(keys);
    return id === null ? null : { id, stored: null };
  }

  /** A delivery with these keys is being written. */
  add(keys: readonly string[], delivery: KnownDelivery): void {
    for (const key of keys) this.#pending.set(key, delivery);
  }

  /** The delivery is on disk, or lost. */
  remove(keys: readonly string[]): void {
    for (const key of keys) this.#pending.delete(key);
  }
}
