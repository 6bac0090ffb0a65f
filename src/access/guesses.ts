/**
 * Bounds how many secrets strangers may try. Used by access_control.ts and login_links.ts.
 * I1. Strangers cannot lock out anyone with a right secret. Guesses with an unknown id share one limit; guesses at one
 *     token have a limit per id, and only those who have the token know its id.
 */
import { guessesMax, guessEveryMs, strangersMax, strangersPerSecond } from "../base/access_limits.ts";
import type { Clock } from "../base/time.ts";
import { TokenBucket } from "../base/token_bucket.ts";

export class Guesses {
  readonly #clock: Clock;
  readonly #strangers: TokenBucket;
  /** By the id that was guessed at. */
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#strangers = new TokenBucket(clock, strangersPerSecond, strangersMax);
  }

  /** An unknown credential was presented. False: there were too many. */
  takeStranger(): boolean {
    return this.#strangers.tryTake();
  }

  /** Whether a secret for `id` may be checked. */
  mayTry(id: string): boolean {
    return this.#buckets.get(id)?.tryTake() ?? true;
  }

  /** The secret was wrong. */
  onWrong(id: string): void {
    if (this.#buckets.has(id)) return;
    this.#buckets.set(id, new TokenBucket(this.#clock, 1_000 / guessEveryMs, guessesMax - 1));
  }

  /** The secret was right, or the id is gone. */
  forget(id: string): void {
    this.#buckets.delete(id);
  }
}
