/** Time as an argument: code that waits or measures takes a `Clock`, so that tests advance it instead of sleeping. */

import type { BootTime } from "./boot_time.ts";

/** Cancels a timer; does nothing once it has fired. */
export type CancelTimer = () => void;

export interface Clock {
  /** Wall time in milliseconds since the epoch. */
  now(): number;
  /** Milliseconds that never decrease, for measuring spans; unrelated to `now`. */
  monotonic(): number;
  /** The time since the machine booted; null where that is unknown. */
  boot(): BootTime | null;
  /** Calls `fire` once, when `now()` has reached `dueMs`, however far away that is. */
  at(dueMs: number, fire: () => void): CancelTimer;
  /** Calls `fire` once, `delayMs` from now. */
  after(delayMs: number, fire: () => void): CancelTimer;
}

/** Resolves after `ms` of the clock's time. */
export function delay(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => clock.after(ms, resolve));
}
