/** Time as an argument: code that waits or measures takes a `Clock`, so that tests advance it instead of sleeping. */

import type { BootTime } from "./boot_time.ts";

/**
 * `setTo`: the earliest wall time at which the new time may have begun. The clock may have been set at any moment since
 * the last comparison; what is due from `setTo` on has not happened yet in the new time.
 */
export type WallClockListener = (setTo: number) => void;

/** Cancels a timer; does nothing once it has fired. */
export type CancelTimer = () => void;

export interface Clock {
  /** Wall time in milliseconds since the epoch. */
  now(): number;
  /** Milliseconds that never decrease, for measuring spans; unrelated to `now`. */
  monotonic(): number;
  /** The time since the machine booted; null where that is unknown. */
  boot(): BootTime | null;
  /**
   * Calls `fire` once, as soon as `now()` has reached `dueMs` or the time that is left until then has passed: the wait
   * gets no longer when the wall clock is set back, and ends early when it is set forward or the machine sleeps.
   */
  at(dueMs: number, fire: () => void): CancelTimer;
  /** Calls `listener` soon after the wall clock was set, forward or back, or the machine woke from sleep. */
  onSet(listener: WallClockListener): CancelTimer;
  /** Calls `fire` once, `delayMs` from now. */
  after(delayMs: number, fire: () => void): CancelTimer;
}

/** Resolves after `ms` of the clock's time. */
export function delay(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => clock.after(ms, resolve));
}
