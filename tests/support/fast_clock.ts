/** Real time, with spans that are over sooner: for waits of minutes and graces of seconds in tests with real processes. */
import { type Clock, systemClock } from "../../src/base/clock.ts";

/** `after` takes a `factor`-th of its time; times of day are as they are. */
export function fastClock(factor: number): Clock {
  return { ...systemClock, after: (ms, fire) => systemClock.after(ms / factor, fire) };
}
