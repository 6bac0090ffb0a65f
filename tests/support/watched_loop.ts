/** Whether the event loop stays free while work is in progress. */
import assert from "node:assert/strict";
import { systemClock } from "../../src/base/clock.ts";

/** The longest time for which the event loop was blocked during `work`, and how long the work took. */
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

/** Another program may have the processor for a moment, so one good round of several is enough. */
const rounds = 5;

/** Fails unless the event loop is blocked for no more than this share of the time that `work` takes. */
export async function loopStaysFree(share: number, work: () => Promise<unknown>): Promise<void> {
  const seen: string[] = [];
  for (let round = 0; round < rounds; round++) {
    const { blockedMs, tookMs } = await watchLoop(work);
    if (blockedMs < tookMs * share) return;
    seen.push(`${blockedMs.toFixed(1)} of ${tookMs.toFixed(1)} ms`);
  }
  assert.fail(`the event loop was blocked for ${seen.join(", ")}`);
}

/** Fails unless `work` takes less time than `other`, which is measured beside it. */
export async function isFaster(work: () => Promise<unknown>, other: () => Promise<unknown>): Promise<void> {
  const seen: string[] = [];
  for (let round = 0; round < rounds; round++) {
    const otherMs = (await watchLoop(other)).tookMs, { tookMs } = await watchLoop(work);
    if (tookMs < otherMs) return;
    seen.push(`${tookMs.toFixed(1)} ms, not under ${otherMs.toFixed(1)} ms`);
  }
  assert.fail(seen.join("; "));
}
