/**
 * Notices that the wall clock was set, or that the machine slept: both shift it against monotonic time, which drives
 * all timers. Code that waits for a time of day learns of it through `Clock.onSet` and `Clock.at`. clock.ts has the one
 * watch of the process.
 *
 * I1. The clocks are compared at most `wallCheckMs` apart, by one timer, and only while there is a listener.
 * I2. Steps under `wallStepMinMs` are not reported, but they add up.
 */
import { wallCheckMs, wallStepMinMs } from "./limits.ts";
import type { CancelTimer, Clock, WallClockListener } from "./time.ts";

type Base = Pick<Clock, "now" | "monotonic" | "after">;

export class WallClockWatch {
  readonly #clock: Base;
  readonly #listeners = new Set<WallClockListener>();
  #offset = 0;
  #checkedAt = 0;
  #cancel: CancelTimer | null = null;

  constructor(clock: Base) {
    this.#clock = clock;
  }

  /** See `Clock.onSet`. */
  follow(listener: WallClockListener): CancelTimer {
    // The same function may be registered more than once.
    const own: WallClockListener = (setTo) => listener(setTo);
    if (this.#cancel === null) {
      this.#offset = this.#clock.now() - this.#clock.monotonic();
      this.#checkLater();
    }
    this.#listeners.add(own);
    return () => {
      this.#listeners.delete(own);
      if (this.#listeners.size > 0) return;
      this.#cancel?.();
      this.#cancel = null;
    };
  }

  #checkLater(): void {
    this.#checkedAt = this.#clock.monotonic();
    this.#cancel = this.#clock.after(wallCheckMs, () => this.#check());
  }

  #check(): void {
    const setTo = this.#checkedAt, offset = this.#clock.now() - this.#clock.monotonic();
    this.#checkLater();
    if (Math.abs(offset - this.#offset) < wallStepMinMs) return;
    this.#offset = offset;
    for (const listener of [...this.#listeners]) {
      if (this.#listeners.has(listener)) listener(Math.floor(setTo + offset));
    }
  }
}

/**
 * Implements `Clock.at` with a timer and a watch: waits for the time left until `dueMs`, or less if the wall clock is
 * set forward.
 */
export function waitForWallTime(clock: Omit<Clock, "at">, dueMs: number, fire: () => void): CancelTimer {
  const leftMs = () => dueMs - clock.now(), until = clock.monotonic() + Math.max(0, leftMs());
  const arm = () => clock.after(Math.max(0, Math.min(leftMs(), until - clock.monotonic())), done);
  const done = () => {
    cancel();
    fire();
  };
  let cancelTimer = arm();
  const cancelWatch = clock.onSet(() => {
    cancelTimer();
    cancelTimer = arm();
  });
  const cancel = () => {
    cancelTimer();
    cancelWatch();
  };
  return cancel;
}
