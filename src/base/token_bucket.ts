/** So many a second, with some to spare: bounds what one group may cost the kernel. Pure but for its clock. */
import type { Clock } from "./time.ts";

export class TokenBucket {
  readonly #clock: Clock;
  readonly #perSecond: number;
  readonly #most: number;
  #left: number;
  #at: number;

  /** Begins with `most` to spare, and never saves up more. */
  constructor(clock: Clock, perSecond: number, most: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#most = most;
    this.#left = most;
    this.#at = clock.monotonic();
  }

  /** Takes one if there is one. */
  tryTake(): boolean {
    this.#refill();
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }

  /** Gives `amount` back, up to what may be saved up. */
  refund(amount: number): void {
    this.#left = Math.min(this.#most, this.#left + amount);
  }

  /** Spends `amount`, also what is not there; returns for how many milliseconds nothing more may be spent. */
  charge(amount: number): number {
    this.#refill();
    this.#left -= amount;
    return this.#left >= 0 ? 0 : Math.ceil(-this.#left * 1_000 / this.#perSecond);
  }

  #refill(): void {
    const now = this.#clock.monotonic();
    this.#left = Math.min(this.#most, this.#left + (now - this.#at) * this.#perSecond / 1_000);
    this.#at = now;
  }
}
