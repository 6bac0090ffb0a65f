/** Time as an argument: whatever waits or measures takes a `Clock`, so that tests tick instead of sleeping. */

/** Undoes a timer; harmless once it has fired. */
export type CancelTimer = () => void;

export interface Clock {
  /** Wall time in milliseconds since the epoch. */
  now(): number;
  /** Milliseconds that only ever grow, for measuring spans; unrelated to `now`. */
  monotonic(): number;
  /** Calls `fire` once, when `now()` has reached `dueMs`, however far that is. */
  at(dueMs: number, fire: () => void): CancelTimer;
  /** Calls `fire` once, `delayMs` from now. */
  after(delayMs: number, fire: () => void): CancelTimer;
}

/** A promise that ends after `ms` of the clock's time. */
export function delay(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => clock.after(ms, resolve));
}
