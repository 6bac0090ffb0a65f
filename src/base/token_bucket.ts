/** A rate limit with a burst, which bounds what one group may cost the kernel. Pure but for its clock. */
import type { Clock } from "./time.ts";

export class TokenBucket {
  readonly #clock: Clock;
  readonly #perSecond: number;
  readonly #capacity: number;
  #tokens: number;
  #refilledAt: number;

  /** Starts with `capacity` tokens and never holds more. */
  constructor(clock: Clock, perSecond: number, capacity: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#capacity = capacity;
    this.#tokens = capacity;
    this.#refilledAt = clock.monotonic();
  }

  /** Takes `amount` tokens, if there are as many. */
  tryTake(amount = 1): boolean {
    this.#refill();
    if (this.#tokens < amount) return false;
    this.#tokens -= amount;
    return true;
  }

  /** Spends `amount`, into debt if need be. Returns the milliseconds until the debt is paid. */
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
