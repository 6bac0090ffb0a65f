/** A clock whose wall time a test can set, with nerve's own watch (base/wall_clock_watch.ts), not an ideal one. */
import type { Clock } from "../../src/base/time.ts";
import { waitForWallTime, WallClockWatch } from "../../src/base/wall_clock_watch.ts";

export interface WatchedClock extends Clock {
  /** Sets the wall clock forward, or back when `ms` is negative. */
  jump(ms: number): void;
}

/** Takes its time from `base`. */
export function watchedClock(base: Pick<Clock, "now" | "monotonic" | "boot" | "after">): WatchedClock {
  let shiftMs = 0;
  const timers = {
    now: () => base.now() + shiftMs,
    monotonic: () => base.monotonic(),
    boot: () => base.boot(),
    after: base.after.bind(base),
  };
  const watch = new WallClockWatch(timers), onSet = watch.follow.bind(watch);
  return {
    ...timers,
    onSet,
    at: (dueMs, fire) => waitForWallTime({ ...timers, onSet }, dueMs, fire),
    jump(ms) {
      shiftMs += ms;
    },
  };
}
