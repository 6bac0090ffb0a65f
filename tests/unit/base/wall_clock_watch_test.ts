/** The bug was: after the clock was set back by 30 minutes, waits for a time of day stood still for 30 minutes. */
import assert from "node:assert/strict";
import { wallCheckMs, wallStepMinMs } from "../../../src/base/limits.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import fc from "../../support/fast_check.ts";
import { watchedClock } from "../../support/watched_clock.ts";

const hourMs = 3_600_000, dayMs = 24 * hourMs;

Deno.test("a step of the wall clock is told within a second, once, with a time from which on the new time counts", async () => {
  const step = fc.record({
    beforeMs: fc.nat(5_000),
    jump: fc.oneof(fc.integer({ min: wallStepMinMs, max: dayMs }), fc.integer({ min: -dayMs, max: -wallStepMinMs })),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 6 }), async (steps) => {
      const base = new FakeClock(), clock = watchedClock(base), told: number[] = [];
      clock.onSet((setTo) => told.push(setTo));
      for (const { beforeMs, jump } of steps) {
        await base.tick(beforeMs);
        clock.jump(jump);
        const set = clock.now();
        await base.tick(wallCheckMs);
        const [setTo = NaN] = told.splice(0, 1);
        assert.ok(setTo <= set && setTo >= set - wallCheckMs, `set to ${set}, told ${setTo}`);
        await base.tick(2 * wallCheckMs);
        assert.deepEqual(told, []);
      }
    }),
    { numRuns: 100 },
  );
});

Deno.test("small steps are no news until they add up, and nobody is told after the end", async () => {
  const base = new FakeClock(), clock = watchedClock(base), told: string[] = [];
  const first = clock.onSet(() => {
    told.push("first");
    second();
  });
  const second = clock.onSet(() => told.push("second"));
  for (let count = 1; count <= 4; count++) {
    assert.deepEqual(told, []);
    clock.jump(wallStepMinMs / 4);
    await base.tick(wallCheckMs);
  }
  assert.deepEqual(told, ["first"]);
  first();
  assert.equal(base.pending, 0);
  clock.jump(hourMs);
  const third = clock.onSet(() => told.push("third"));
  await base.tick(2 * wallCheckMs);
  assert.deepEqual(told, ["first"], "what was before is no news");
  third();
});

Deno.test("for any jumps: at() fires once, when the wall clock has reached the time or as much time has passed, not later", async () => {
  const step = fc.record({ ms: fc.nat(30_000), jump: fc.integer({ min: -60_000, max: 60_000 }) });
  await fc.assert(
    fc.asyncProperty(fc.nat(60_000), fc.array(step, { maxLength: 8 }), async (leftMs, steps) => {
      const base = new FakeClock(), clock = watchedClock(base), from = clock.monotonic(), due = clock.now() + leftMs;
      const fired: number[] = [];
      clock.at(due, () => fired.push(clock.monotonic() - from));
      const reached = [leftMs];
      for (const { ms, jump } of [...steps, { ms: 60_000, jump: 0 }]) {
        const passed = clock.monotonic() - from;
        clock.jump(jump);
        reached.push(Math.max(passed, passed + due - clock.now()));
        await base.tick(ms);
        for (const at of fired) {
          assert.ok(at >= Math.min(...reached) && at <= leftMs, `${at} of ${reached} to ${leftMs}`);
        }
        // A small step may go unnoticed, and so may a time that was reached only for a moment.
        const noticed = clock.now() >= due + wallStepMinMs && ms > wallCheckMs;
        if (noticed || clock.monotonic() - from >= leftMs) assert.equal(fired.length, 1);
      }
      assert.deepEqual([fired.length, base.pending], [1, 0]);
    }),
    { numRuns: 100 },
  );
});

Deno.test("a wait that is cancelled never ends, and follows nothing", async () => {
  const base = new FakeClock(), clock = watchedClock(base);
  const cancel = clock.at(clock.now() + hourMs, () => assert.fail("it was cancelled"));
  await base.tick(2_500);
  cancel();
  assert.equal(base.pending, 0);
  clock.jump(dayMs);
  await base.tick(dayMs);
});
