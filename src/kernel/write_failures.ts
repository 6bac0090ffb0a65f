/**
 * Reports write failures of the log, and recovery, at most once a minute: a full disk loses thousands of rows, and the
 * text log may be on the same disk. The store calls it through kernel.ts and wiring.ts, and counts every lost row. A
 * single successful write does not count as recovery: on a full disk a row fits now and then.
 */
import type { NerveError } from "../base/errors.ts";
import type { CancelTimer, Clock } from "../base/time.ts";

/** The least time between two reports while a failure lasts. */
export const reportIntervalMs = 60_000;

/** How long no write may fail until the log counts as writable again. */
export const recoveryAfterMs = 1_000;

export class WriteFailures {
  readonly #clock: Clock;
  readonly #report: (message: string) => void;
  #failure: { error: NerveError; lost: number; reportedAt: number } | null = null;

  #cancelRecovery: CancelTimer | null = null;

  constructor(clock: Clock, report: (message: string) => void) {
    this.#clock = clock;
    this.#report = report;
  }

  report(error: NerveError, lost: number): void {
    this.#cancelRecovery?.();
    this.#cancelRecovery = null;
    const before = this.#failure, now = this.#clock.monotonic();
    const isRecent = before !== null && now < before.reportedAt + reportIntervalMs;
    const total = lost + (before?.lost ?? 0);
    this.#failure = { error, lost: total, reportedAt: isRecent ? before.reportedAt : now };
    const { message, hint } = error;
    if (!isRecent) {
      this.#report(`${message}${hint === null ? "" : ` (${hint})`}${total === 0 ? "" : `; lost so far: ${total}`}`);
    }
  }

  /** Call this after a successful write. */
  recordSuccess(): void {
    if (this.#failure === null) return;
    this.#cancelRecovery ??= this.#clock.after(recoveryAfterMs, () => this.#reportRecovery());
  }

  /** Reports a recovery in progress: nothing more will be written. */
  stop(): void {
    if (this.#cancelRecovery === null) return;
    this.#cancelRecovery();
    this.#reportRecovery();
  }

  #reportRecovery(): void {
    this.#cancelRecovery = null;
    const failure = this.#failure;
    if (failure === null) return;
    this.#failure = null;
    this.#report(`the log can be written again; ${failure.lost} changes were lost (${failure.error.message})`);
  }
}
