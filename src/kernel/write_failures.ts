/**
 * Tells of a log that cannot be written, and of its end, without a line for each row: a full disk loses thousands, and
 * the text log may lie on the same disk. Fed by the store through kernel.ts and wiring.ts; every loss is counted there.
 */
import type { NerveError } from "../base/errors.ts";
import type { Clock } from "../base/time.ts";

/** While it lasts, it is told at most this often. */
export const reportIntervalMs = 60_000;

export class WriteFailures {
  readonly #clock: Clock;
  readonly #tell: (message: string) => void;
  #trouble: { error: NerveError; lost: number; toldAt: number } | null = null;

  constructor(clock: Clock, tell: (message: string) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  report(error: NerveError, lost: number): void {
    const before = this.#trouble, now = this.#clock.monotonic();
    const told = before !== null && now < before.toldAt + reportIntervalMs;
    const total = lost + (before?.lost ?? 0);
    this.#trouble = { error, lost: total, toldAt: told ? before.toldAt : now };
    const { message, hint } = error;
    if (!told) {
      this.#tell(`${message}${hint === null ? "" : ` (${hint})`}${total === 0 ? "" : `; lost so far: ${total}`}`);
    }
  }

  /** Something was written again. */
  recovered(): void {
    const trouble = this.#trouble;
    if (trouble === null) return;
    this.#trouble = null;
    this.#tell(`the log is written again; ${trouble.lost} changes of it were lost (${trouble.error.message})`);
  }
}
