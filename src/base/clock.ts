/**
 * The system's clock. Nothing else in nerve reads the time or sets a timer: everything else takes a `Clock` (time.ts).
 */
import type { CancelTimer, Clock } from "./time.ts";
import { TimerHeap } from "./timer_heap.ts";

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
