/** Timers that are cancelled together. Danger: a timer that survives keeps a stopped manager working. */
import assert from "node:assert/strict";
import { TimerGroup } from "../../../src/base/timer_group.ts";
import { FakeClock } from "../../support/fake_clock.ts";

Deno.test("timers of a group fire each at its time, and clear() leaves none of them", async () => {
  const clock = new FakeClock(), timers = new TimerGroup(clock), fired: string[] = [];
  timers.after(20, () => fired.push("b"));
  timers.after(10, () => fired.push("a"));
  timers.after(30, () => fired.push("c"));
  await clock.tick(20);
  assert.deepEqual(fired, ["a", "b"]);
  timers.clear();
  assert.equal(clock.pending, 0);
  await clock.tick(100);
  assert.deepEqual(fired, ["a", "b"]);
});

Deno.test("a timer that sets the next one when it fires can still be cleared", async () => {
  const clock = new FakeClock(), timers = new TimerGroup(clock);
  const again = () => timers.after(10, again);
  again();
  await clock.tick(35);
  assert.equal(clock.pending, 1);
  timers.clear();
  assert.equal(clock.pending, 0);
});
