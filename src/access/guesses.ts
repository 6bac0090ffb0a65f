/**
 * Bounds how many secrets strangers may try. Used by access_control.ts and login_links.ts.
 * I1. Strangers keep nobody out who has a right secret: they are bounded in all by those that name nothing, and for one
 *     token by those that name it; its name is not in the secret, and nobody learns it who does not have the token.
 */
import { guessesMax, guessEveryMs, strangersMax, strangersPerSecond } from "../base/access_limits.ts";
import type { Clock } from "../base/time.ts";
import { TokenBucket } from "../base/token_bucket.ts";

export class Guesses {
  readonly #clock: Clock;
  readonly #strangers: TokenBucket;
  /** By the id of what was guessed at. */
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#strangers = new TokenBucket(clock, strangersPerSecond, strangersMax);
  }

  /** Something was shown that is not known. False: there were too many. */
  takeStranger(): boolean {
    return this.#strangers.tryTake();
  }

  /** Whether a secret for `id` may be looked at. */
  mayTry(id: string): boolean {
    return this.#buckets.get(id)?.tryTake() ?? true;
  }

  /** The secret was wrong. */
  onWrong(id: string): void {
    if (this.#buckets.has(id)) return;
    this.#buckets.set(id, new TokenBucket(this.#clock, 1_000 / guessEveryMs, guessesMax - 1));
  }

  /** Its secret was right, or what it named is gone. */
  forget(id: string): void {
    this.#buckets.delete(id);
  }
}
