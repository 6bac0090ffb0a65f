/** The cost of a computation relative to another one, for tests of how cost grows: a busy machine slows down both. */
import assert from "node:assert/strict";
import { systemClock } from "../../src/base/clock.ts";

const looksMax = 5;

/** Fails unless `work` takes at most `most` times as long as `floor` just before it, in one of a few attempts. */
export function assertCost(work: () => void, most: number, floor: () => void, what: string): void {
  const seen: number[] = [];
  do {
    const floorMs = msOf(floor);
    seen.push(msOf(work) / floorMs);
  } while (Math.min(...seen) > most && seen.length < looksMax);
  const times = seen.map((each) => each.toFixed(1)).join(", ");
  assert.ok(Math.min(...seen) <= most, `${what} took ${times} times as long as its floor, not ${most}`);
}

function msOf(work: () => void): number {
  const from = systemClock.monotonic();
  work();
  return systemClock.monotonic() - from;
}
