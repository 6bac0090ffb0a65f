/**
 * Time as an argument. Nothing else in nerve reads the clock or sets a timer, so that tests tick instead of sleeping.
 */
import { TimerHeap } from "./timer_heap.ts";

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

/** setTimeout takes at most 2^31-1 ms (24.8 days); a longer wait is made of several. */
const longestTimerMs = 2 ** 31 - 1;

/** Bound before any user code runs: in the sandbox, that code may replace it later. */
const monotonicNow = performance.now.bind(performance);

const now = () => Date.now();
const at: Clock["at"] = (dueMs, fire) => waitUntil(() => dueMs - Date.now(), fire);

/** A timer of Deno's is 3 us, and most deadlines are called off: of each compute, each request, each run's role. */
const deadlines = new TimerHeap({
  now,
  at,
  monotonic: monotonicNow,
  after(delayMs, fire) {
    const due = monotonicNow() + delayMs;
    return waitUntil(() => due - monotonicNow(), fire);
  },
});

export const systemClock: Clock = {
  now,
  at,
  monotonic: monotonicNow,
  after(delayMs, fire) {
    const timer = deadlines.add(monotonicNow() + delayMs, fire);
    return () => deadlines.cancel(timer);
  },
};

/** Re-arms until nothing is left: setTimeout may fire up to 1 ms early, and wall time may be set back meanwhile. */
function waitUntil(leftMs: () => number, fire: () => void): CancelTimer {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const arm = () => {
    const left = leftMs();
    if (left <= 0 && timer !== undefined) return fire();
    timer = setTimeout(arm, Math.min(Math.max(0, Math.ceil(left)), longestTimerMs));
  };
  arm();
  return () => clearTimeout(timer);
}

/** A promise that ends after `ms` of the clock's time. */
export function delay(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => clock.after(ms, resolve));
}
