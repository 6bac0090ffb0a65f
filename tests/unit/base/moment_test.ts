import assert from "node:assert/strict";
import { momentBefore, msSince, readMoment } from "../../../src/base/moment.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import fc from "../../support/fast_check.ts";

const hourMs = 3_600_000, dayMs = 24 * hourMs;

Deno.test("for any jumps of the clock: at least the time that passed has passed, and never less than none", async () => {
  const step = fc.record({ ms: fc.nat(dayMs), jump: fc.integer({ min: -3 * dayMs, max: 3 * dayMs }) });
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
    const clock = new FakeClock(), moment = readMoment(clock), from = clock.monotonic();
    for (const { ms, jump } of steps) {
      clock.jump(jump);
      await clock.tick(ms);
      const passed = clock.monotonic() - from;
      assert.equal(msSince(clock, moment), Math.max(passed, clock.now() - moment.wall));
    }
  }));
});

Deno.test("after a boot of the machine only the wall clock tells, and one set back says that no time has passed", () => {
  const before = new FakeClock(), moment = readMoment(before);
  assert.equal(msSince(new FakeClock(before.now() + hourMs), moment), hourMs);
  assert.equal(msSince(new FakeClock(before.now() - hourMs), moment), 0);
});

Deno.test("a moment without a boot time counts by the wall clock", async () => {
  const clock = new FakeClock(), moment = { ...readMoment(clock), boot: null };
  await clock.tick(500);
  assert.equal(msSince(clock, moment), 500);
  assert.equal(msSince(clock, momentBefore(moment, 250)), 750);
  assert.equal(msSince(clock, momentBefore(readMoment(clock), 250)), 250);
});
