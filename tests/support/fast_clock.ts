/** Real time with shortened waits, for waits of minutes and grace periods of seconds in tests with real processes. */
import { systemClock } from "../../src/base/clock.ts";
import { processStartMaxMs } from "../../src/base/limits.ts";
import type { Clock } from "../../src/base/time.ts";

/**
 * `after` waits for a `factor`-th of the time; times of day are unchanged. The start of a process gets its full time,
 * because it really needs it: some seconds on a busy machine.
 */
export function fastClock(factor: number): Clock {
  const spanMs = (ms: number) => ms === processStartMaxMs ? ms : ms / factor;
  return { ...systemClock, after: (ms, fire) => systemClock.after(spanMs(ms), fire) };
}
