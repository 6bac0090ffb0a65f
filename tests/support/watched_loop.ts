/** Whether the event loop is free while something goes on. */
import { systemClock } from "../../src/base/clock.ts";

/** The longest time for which the event loop was blocked while `work` went on, and how long that took. */
export async function watchLoop(work: () => Promise<unknown>): Promise<{ blockedMs: number; tookMs: number }> {
  let last = systemClock.monotonic(), blockedMs = 0;
  const look = () => {
    blockedMs = Math.max(blockedMs, systemClock.monotonic() - last);
    last = systemClock.monotonic();
  };
  const timer = setInterval(look, 1), from = last;
  await work();
  look();
  clearInterval(timer);
  return { blockedMs, tookMs: systemClock.monotonic() - from };
}
