/** The only tests in which real time passes: a few milliseconds, only to check what must never happen too early. */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import { delay } from "../../../src/base/time.ts";
import { FakeClock } from "../../support/fake_clock.ts";

Deno.test("systemClock.monotonic never goes back", () => {
  let last = systemClock.monotonic();
  for (let n = 0; n < 10_000; n++) {
    const now = systemClock.monotonic();
    assert.ok(now >= last);
    last = now;
  }
});

Deno.test("systemClock.after never fires early nor within the call that sets it", async () => {
  for (const ms of [0, 1, 3.5, 7]) {
    const start = systemClock.monotonic();
    let fired = false;
    const done = new Promise<void>((resolve) =>
      systemClock.after(ms, () => {
        fired = true;
        resolve();
      })
    );
    assert.equal(fired, false);
    await done;
    assert.ok(systemClock.monotonic() - start >= ms, `${ms} ms had not gone by`);
  }
});

Deno.test("systemClock.at fires when wall time has reached its due time, and soon when that lies in the past", async () => {
  for (const offset of [-1_000, 0, 4]) {
    const due = systemClock.now() + offset;
    let fired = false;
    const done = new Promise<void>((resolve) =>
      systemClock.at(due, () => {
        fired = true;
        resolve();
      })
    );
    assert.equal(fired, false);
    await done;
    assert.ok(systemClock.now() >= due);
  }
});

Deno.test("systemClock fires in the order of due times, not in the order of setting", async () => {
  for (let isInTime = false; !isInTime;) {
    const seen: string[] = [], late = Promise.withResolvers<void>(), from = systemClock.monotonic();
    systemClock.after(12, () => late.resolve(void seen.push("late")));
    const cancel = systemClock.after(1, () => seen.push("early"));
    // If the machine pauses between the two lines, the second one is due later.
    isInTime = systemClock.monotonic() - from < 11;
    await late.promise;
    cancel();
    if (isInTime) assert.deepEqual(seen, ["early", "late"]);
  }
});

Deno.test("a cancelled timer never fires, and a timer due in 30 days does not fire at once", async () => {
  // setTimeout treats more than 2^31-1 ms as 1 ms: a monthly cron line would run in a loop.
  const seen: string[] = [];
  const cancel = systemClock.after(1, () => seen.push("cancelled"));
  const month = 30 * 24 * 3_600_000;
  const cancelAfter = systemClock.after(month, () => seen.push("after"));
  const cancelAt = systemClock.at(systemClock.now() + month, () => seen.push("at"));
  cancel();
  await delay(systemClock, 10);
  cancelAfter();
  cancelAt();
  assert.deepEqual(seen, []);
});

Deno.test("the fake clock fires timers in order, each at its own time and with its effects before the next", async () => {
  const clock = new FakeClock(1_000);
  const start = clock.monotonic();
  const seen: string[] = [];
  const note = (name: string) => seen.push(`${name} ${clock.now()} ${clock.monotonic() - start}`);
  clock.after(20, () => note("b"));
  clock.at(1_010, () => {
    note("a");
    void Promise.resolve().then(() => clock.after(5, () => note("from a")));
  });
  clock.after(20, () => note("c"));
  clock.after(21, () => note("later"));
  await clock.tick(20);
  assert.deepEqual(seen, ["a 1010 10", "from a 1015 15", "b 1020 20", "c 1020 20"]);
  assert.equal(clock.now(), 1_020);
  assert.equal(clock.pending, 1);
});

Deno.test("a jump of the fake clock moves wall time only: at() follows it, after() does not", async () => {
  const clock = new FakeClock(0);
  const seen: string[] = [];
  clock.at(100, () => seen.push("at"));
  clock.after(100, () => seen.push("after"));
  clock.jump(95);
  await clock.tick(5);
  assert.deepEqual(seen, ["at"]);
  clock.jump(-1_000);
  await clock.tick(95);
  assert.deepEqual(seen, ["at", "after"]);
});

Deno.test("during a stall of the fake clock no timer fires; all that were due fire at its end", async () => {
  const clock = new FakeClock(0);
  const seen: number[] = [];
  clock.after(10, () => seen.push(clock.now()));
  await clock.stall(500);
  assert.deepEqual(seen, [500]);
});
