/** So many a second, with some to spare: bounds what one group may cost the kernel. Pure but for its clock. */
import type { Clock } from "./time.ts";

export class TokenBucket {
  readonly #clock: Clock;
  readonly #perSecond: number;
  readonly #capacity: number;
  #tokens: number;
  #refilledAt: number;

  /** Begins with `most` to spare, and never saves up more. */
  constructor(clock: Clock, perSecond: number, most: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#capacity = most;
    this.#tokens = most;
    this.#refilledAt = clock.monotonic();
  }

  /** Takes one if there is one. */
  tryTake(): boolean {
    this.#refill();
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  /** Gives `amount` back, up to what may be saved up. */
  refund(amount: number): void {
    this.#tokens = Math.min(this.#capacity, this.#tokens + amount);
  }

  /** Spends `amount`, also what is not there; returns for how many milliseconds nothing more may be spent. */
  charge(amount: number): number {
    this.#refill();
    this.#tokens -= amount;
    return this.#tokens >= 0 ? 0 : Math.ceil(-this.#tokens * 1_000 / this.#perSecond);
  }

  #refill(): void {
    const now = this.#clock.monotonic();
    this.#tokens = Math.min(this.#capacity, this.#tokens + (now - this.#refilledAt) * this.#perSecond / 1_000);
    this.#refilledAt = now;
  }
}
