/** Real time with shortened waits: for waits of minutes and grace periods of seconds in tests with real processes. */
import { systemClock } from "../../src/base/clock.ts";
import { processStartMaxMs } from "../../src/base/limits.ts";
import type { Clock } from "../../src/base/time.ts";

/**
 * `after` takes a `factor`-th of its time; times of day are unchanged. The start of a process gets all of its time,
 * because it really needs it: on a busy machine some seconds.
 */
export function fastClock(factor: number): Clock {
  const spanMs = (ms: number) => ms === processStartMaxMs ? ms : ms / factor;
  return { ...systemClock, after: (ms, fire) => systemClock.after(spanMs(ms), fire) };
}
