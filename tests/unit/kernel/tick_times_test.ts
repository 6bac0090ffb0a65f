import assert from "node:assert/strict";
import { tickStoreMs, tickStoreShortMs } from "../../../src/base/limits.ts";
import { msSince } from "../../../src/base/moment.ts";
import { TickTimes } from "../../../src/kernel/tick_times.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const hourMs = 3_600_000;

/** Values in memory, with the writes that stored them; `restarted` reads them as the next daemon does. */
function setUp() {
  const clock = new FakeClock(), values = new Map<string, string>(), writes: string[][] = [];
  const meta = {
    get: (key: string) => values.get(key) ?? null,
    setAll: (entries: readonly (readonly [string, string])[]) => {
      writes.push(entries.map(([key]) => key));
      for (const [key, value] of entries) values.set(key, value);
    },
  };
  const ticks = new TickTimes(meta, clock),
    since = (sense: string, intervalMs: number) => {
      const moment = new TickTimes(meta, clock).lastIntervalTick(sense, intervalMs);
      return moment === null ? null : msSince(clock, moment);
    };
  return { clock, ticks, writes, since };
}

Deno.test("ticks of one moment are stored together and at once, later ones once in a while", async () => {
  const { clock, ticks, writes, since } = setUp();
  for (const sense of ["a", "b", "c"]) ticks.onIntervalTick(sense, hourMs, clock.monotonic());
  await clock.tick(0);
  assert.deepEqual(writes, [["interval:a", "interval:b", "interval:c"]]);
  await clock.tick(100);
  for (let count = 0; count < 50; count++) {
    ticks.onIntervalTick("a", hourMs, clock.monotonic());
    await clock.tick(10);
  }
  assert.equal(writes.length, 1);
  await clock.tick(tickStoreMs);
  assert.deepEqual([writes.length, since("a", hourMs), clock.pending], [2, tickStoreMs + 10, 0]);
});

Deno.test("ticks of short intervals cause no write of their own for a while, and go with those of long ones", async () => {
  const { clock, ticks, writes } = setUp();
  for (let ms = 0; ms < 3 * tickStoreShortMs; ms += 100) {
    ticks.onIntervalTick("often", 100, clock.monotonic());
    await clock.tick(100);
  }
  assert.equal(writes.length, 3);
  await clock.tick(tickStoreMs);
  ticks.onIntervalTick("often", 100, clock.monotonic());
  ticks.onIntervalTick("rare", hourMs, clock.monotonic());
  await clock.tick(0);
  assert.deepEqual(writes[3], ["often", "rare"].map((sense) => `interval:${sense}`));
});

Deno.test("the tick of an interval counts, else the newest of its sense, and what is asked for need not be stored", () => {
  const { clock, ticks, since } = setUp();
  assert.equal(ticks.lastIntervalTick("a", hourMs), null);
  ticks.onIntervalTick("a", hourMs, clock.monotonic() - 5_000);
  ticks.onIntervalTick("a", 60_000, clock.monotonic() - 1_000);
  assert.equal(ticks.lastIntervalTick("a", hourMs)?.wall, clock.now() - 5_000);
  assert.deepEqual([since("a", hourMs), since("a", 60_000), since("a", 7)], [5_000, 1_000, 1_000]);
  assert.equal(since("b", 7), null);
  for (let intervalMs = 100; intervalMs < 200; intervalMs++) {
    ticks.onIntervalTick("a", intervalMs, clock.monotonic() + intervalMs);
    ticks.store();
  }
  assert.equal(since("a", hourMs), 0, "what old configurations left is forgotten");
});

Deno.test("the last tick of cron lines is stored as well", () => {
  const { ticks } = setUp();
  assert.equal(ticks.lastCronTick("a"), null);
  ticks.onCronTick("a", 42);
  assert.equal(ticks.lastCronTick("a"), 42);
});
