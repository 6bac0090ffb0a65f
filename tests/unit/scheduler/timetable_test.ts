import assert from "node:assert/strict";
import { CronTimes, findCronResumeTime, findNextIntervalTick, findNextTick } from "../../../src/scheduler/timetable.ts";
import fc from "../../support/fast_check.ts";

const hourMs = 3_600_000, dayMs = 24 * hourMs;
const at = (iso: string): number => Date.parse(iso);

/** The first `count` due times after `from`, as ISO text. */
function dueTimes(cron: CronTimes, from: string, count: number): string[] {
  const found: string[] = [];
  for (let time = cron.findNext(at(from)); time !== null && found.length < count; time = cron.findNext(time)) {
    found.push(new Date(time).toISOString().replace(".000Z", "Z"));
  }
  return found;
}

Deno.test("an interval's ticks are the anchor and its multiples, each strictly after the given time", () => {
  assert.equal(findNextIntervalTick(100, 10, 0), 100);
  assert.equal(findNextIntervalTick(100, 10, 99.9), 100);
  assert.equal(findNextIntervalTick(100, 10, 100), 110);
  assert.equal(findNextIntervalTick(100, 10, 119.5), 120);
});

const span = fc.oneof(fc.integer({ min: 1, max: 10_000 }), fc.double({ min: 0.5, max: 1e6, noNaN: true }));
const time = fc.double({ min: 0, max: 1e9, noNaN: true });

Deno.test("for any time: the next interval tick is after it, and no tick of the grid lies between", () => {
  fc.assert(fc.property(time, span, time, (anchor, intervalMs, now) => {
    const tick = findNextIntervalTick(anchor, intervalMs, now);
    assert.ok(tick > now || (tick === anchor && now < anchor));
    const count = Math.round((tick - anchor) / intervalMs);
    assert.equal(tick, anchor + count * intervalMs);
    if (count > 0) assert.ok(anchor + (count - 1) * intervalMs <= now);
  }));
});

Deno.test("following an interval from tick to tick never repeats nor skips one, whatever the fractions", () => {
  fc.assert(fc.property(time, span, (anchor, intervalMs) => {
    let tick = anchor;
    for (let count = 1; count <= 200; count++) {
      tick = findNextIntervalTick(anchor, intervalMs, tick);
      assert.equal(tick, anchor + count * intervalMs);
    }
  }));
});

Deno.test("the first tick of an interval is its anchor, even when that has passed", () => {
  const schedule = { kind: "interval", intervalMs: 10, anchor: 100 } as const;
  const first = findNextTick(schedule, null, { wall: 0, monotonic: 100 });
  assert.deepEqual(first, { at: 100, named: null });
  assert.deepEqual(findNextTick(schedule, first, { wall: 0, monotonic: 100 }), { at: 110, named: null });
  assert.deepEqual(findNextTick(schedule, first, { wall: 0, monotonic: 5_003 }), { at: 5_010, named: null });
});

Deno.test("a cron line's tick is converted from wall time to monotonic time", () => {
  const schedule = { kind: "cron", times: new CronTimes("0 9 * * *", "UTC"), delayMs: 0 } as const;
  const now = { wall: at("2026-05-01T08:59:00Z"), monotonic: 5_000 };
  assert.deepEqual(findNextTick(schedule, null, now), { at: 65_000, named: at("2026-05-01T09:00:00Z") });
});

Deno.test("a cron line that never fires has no next tick", () => {
  const never = new CronTimes("0 0 30 2 *", "UTC");
  assert.equal(never.findNext(at("2026-01-01T00:00:00Z")), null);
  assert.equal(never.findLast(at("2026-01-01T00:00:00Z")), null);
  assert.equal(findNextTick({ kind: "cron", times: never, delayMs: 0 }, null, { wall: 0, monotonic: 0 }), null);
});

Deno.test("a daily time that does not exist on the day the clock goes forward fires when the gap ends", () => {
  assert.deepEqual(dueTimes(new CronTimes("30 2 * * *", "Europe/Berlin"), "2026-03-28T00:00:00Z", 3), [
    "2026-03-28T01:30:00Z", // 02:30 winter time
    "2026-03-29T01:00:00Z", // 03:00 summer time: 02:30 does not exist
    "2026-03-30T00:30:00Z", // 02:30 summer time
  ]);
});

Deno.test("a daily time that exists twice on the day the clock goes back fires once, the first time", () => {
  assert.deepEqual(dueTimes(new CronTimes("30 2 * * *", "Europe/Berlin"), "2026-10-24T00:00:00Z", 3), [
    "2026-10-24T00:30:00Z",
    "2026-10-25T00:30:00Z",
    "2026-10-26T01:30:00Z",
  ]);
});

Deno.test("a line for every half hour fires evenly through both changes of the clock", () => {
  for (const from of ["2026-03-28T22:00:00Z", "2026-10-24T22:00:00Z"]) {
    const due = dueTimes(new CronTimes("*/30 * * * *", "Europe/Berlin"), from, 12).map(at);
    due.forEach((time, index) => assert.equal(time, at(from) + (index + 1) * hourMs / 2));
  }
});

const lines = ["30 2 * * *", "*/20 * * * *", "0 * * * *", "0 9 * * 1-5", "15 1,2,3 * * *", "*/30 * * * * *"];
const zones = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"];
const change = fc.constantFrom(
  ...["2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z", "2026-03-08T07:00:00Z", "2026-11-01T06:00:00Z"].map(at),
  at("2026-04-04T15:00:00Z"),
  at("2026-10-03T15:30:00Z"),
);

Deno.test("around every change of the clock cron ticks strictly increase, and the last tick precedes the next", () => {
  const near = fc.tuple(change, fc.integer({ min: -dayMs, max: dayMs })).map(([moment, offset]) => moment + offset);
  fc.assert(
    fc.property(fc.constantFrom(...lines), fc.constantFrom(...zones), near, (line, zone, from) => {
      const cron = new CronTimes(line, zone);
      let last = cron.findLast(from);
      assert.ok(last !== null && last <= from);
      for (let time = from, count = 0; count < 6; count++) {
        const due = cron.findNext(time);
        assert.ok(due !== null && due > time);
        assert.equal(cron.findLast(due - 1), last, "a tick lies between two that follow each other");
        assert.equal(cron.findLast(due), due);
        last = time = due;
      }
    }),
    { numRuns: 300 },
  );
});

Deno.test("after a step back lines with a star go on, those with fixed times wait, unless the clock was wrong by hours", () => {
  const tick = at("2026-05-01T09:00:00Z");
  for (const hasStar of [true, false]) {
    const resume = (last: number | null, now: number, from = now) => findCronResumeTime(hasStar, last, now, from);
    assert.equal(resume(null, tick), tick);
    assert.equal(resume(tick, tick + 5), tick + 5);
    assert.equal(resume(tick, tick - 500), tick, "a correction of half a second");
    assert.equal(resume(tick, tick - 2_000), hasStar ? tick - 2_000 : tick);
    assert.equal(resume(tick, tick - 3 * hourMs), hasStar ? tick - 3 * hourMs : tick);
    assert.equal(resume(tick, tick - 365 * dayMs), tick - 365 * dayMs);
    assert.equal(resume(tick, tick + 500, tick - 400), tick, "a tick of the new time is not repeated");
  }
});

Deno.test("after the clock was set, a cron line's next tick may be one from that time on", () => {
  const schedule = { kind: "cron", times: new CronTimes("* * * * *", "UTC"), delayMs: 0 } as const;
  const wall = at("2026-05-01T09:00:00.700Z"), now = { wall, monotonic: 5_000 }, named = at("2026-05-01T09:00:00Z");
  assert.deepEqual(findNextTick(schedule, null, now, named), { at: 4_300, named });
  assert.deepEqual(findNextTick(schedule, null, now, named + 1), { at: 64_300, named: named + 60_000 });
});
