/**
 * The system clock. Only this file reads the time or sets a timer; all other code takes a `Clock` (time.ts).
 */
import { type BootTime, readBootTime } from "./boot_time.ts";
import type { CancelTimer, Clock } from "./time.ts";
import { TimerHeap } from "./timer_heap.ts";
import { waitForWallTime, WallClockWatch } from "./wall_clock_watch.ts";

/** setTimeout takes at most 2^31-1 ms (24.8 days); a longer wait is split into several. */
const longestTimerMs = 2 ** 31 - 1;

/** Bound before any user code runs: in the sandbox, user code may replace `performance.now` later. */
const monotonicNow = performance.now.bind(performance);

const now = () => Date.now();

/** Setting a Deno timer takes 3 us, and most deadlines (computes, requests, roles) are cancelled before they fire. */
const deadlines = new TimerHeap({
  monotonic: monotonicNow,
  after(delayMs, fire) {
    const due = monotonicNow() + delayMs;
    return waitUntil(() => due - monotonicNow(), fire);
  },
});

const after: Clock["after"] = (delayMs, fire) => {
  const timer = deadlines.add(monotonicNow() + delayMs, fire);
  return () => deadlines.cancel(timer);
};

let lastBoot: { readonly time: BootTime | null; readonly readAt: number } | null = null;

/** Cached for 100 ms: a start asks for the boot time once for each sense, and a read takes 20 us. */
function boot(): BootTime | null {
  const now = monotonicNow();
  if (lastBoot === null || now - lastBoot.readAt > 100) lastBoot = { time: readBootTime(), readAt: now };
  const { time, readAt } = lastBoot;
  return time === null ? null : { id: time.id, ms: time.ms + Math.round(now - readAt) };
}

const wallWatch = new WallClockWatch({ now, monotonic: monotonicNow, after });

export const systemClock: Clock = {
  now,
  monotonic: monotonicNow,
  boot,
  at: (dueMs, fire) => waitForWallTime(systemClock, dueMs, fire),
  onSet: (listener) => wallWatch.follow(listener),
  after,
};

/** Re-arms until the time is up: setTimeout may fire up to 1 ms early. */
function waitUntil(remainingMs: () => number, fire: () => void): CancelTimer {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const arm = () => {
    const remaining = remainingMs();
    if (remaining <= 0 && timer !== undefined) return fire();
    timer = setTimeout(arm, Math.min(Math.max(0, Math.ceil(remaining)), longestTimerMs));
  };
  arm();
  return () => clearTimeout(timer);
}
