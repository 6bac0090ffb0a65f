/** Timers with an announcement. Danger: a tick that fires twice, or drifts with every tick. */
import assert from "node:assert/strict";
import { prepareAheadMs } from "../../../src/base/limits.ts";
import { TimerHeap } from "../../../src/base/timer_heap.ts";
import { AdvanceTimer, ScheduleTimer } from "../../../src/scheduler/schedule_timer.ts";
import { CronTimes } from "../../../src/scheduler/timetable.ts";
import { FakeClock } from "../../support/fake_clock.ts";

function setUp() {
  const clock = new FakeClock(Date.UTC(2026, 4, 5, 8, 59, 58));
  return { clock, time: { clock, heap: new TimerHeap(clock) }, start: clock.monotonic() };
}

Deno.test("a timer announces itself ahead of time, then fires; without enough time it only fires", async () => {
  const { clock, time, start } = setUp(), calls: string[] = [];
  const reminder = new AdvanceTimer(time, (at) => calls.push(`ahead ${at - start}`), () => calls.push("fire"));
  reminder.set(start + 1_000);
  await clock.tick(1_000 - prepareAheadMs);
  assert.deepEqual(calls, ["ahead 1000"]);
  await clock.tick(prepareAheadMs);
  assert.deepEqual(calls, ["ahead 1000", "fire"]);
  reminder.set(clock.monotonic() + prepareAheadMs);
  await clock.tick(prepareAheadMs);
  assert.deepEqual(calls.slice(2), ["fire"]);
  assert.equal(reminder.at, null);
});

Deno.test("a timer that is set again or cancelled never fires at its old time", async () => {
  const { clock, time, start } = setUp();
  let fired = 0;
  const reminder = new AdvanceTimer(time, () => {}, () => fired++);
  reminder.set(start + 500);
  reminder.set(start + 5_000);
  await clock.tick(1_000);
  assert.equal(fired, 0);
  reminder.cancel();
  await clock.tick(10_000);
  assert.deepEqual([fired, clock.pending], [0, 0]);
});

Deno.test("an interval fires at its anchor and multiples, and once for all ticks that passed unnoticed", async () => {
  const { clock, time, start } = setUp(), rings: number[] = [];
  const schedule = { kind: "interval", intervalMs: 100, anchor: start } as const;
  const alarm = new ScheduleTimer(time, schedule, null, () => {}, () => rings.push(clock.monotonic() - start));
  await clock.tick(250);
  await clock.stall(1_000);
  await clock.tick(100);
  assert.deepEqual(rings, [0, 100, 200, 1_250, 1_300]);
  alarm.cancel();
  assert.equal(clock.pending, 0);
});

Deno.test("a cron line fires with its scheduled time, and follows the wall clock when that is set", async () => {
  const { clock, time } = setUp(), due: string[] = [];
  const times = new CronTimes("0 9 * * *", "UTC");
  const alarm = new ScheduleTimer(
    time,
    { kind: "cron", times, delayMs: 0 },
    null,
    () => {},
    ({ named }) => due.push(new Date(named ?? 0).toISOString()),
  );
  await clock.tick(2_000);
  assert.deepEqual(due, ["2026-05-05T09:00:00.000Z"]);
  clock.jump(24 * 60 * 60_000);
  alarm.resync(clock.now());
  await clock.tick(10);
  assert.deepEqual(due, ["2026-05-05T09:00:00.000Z", "2026-05-06T09:00:00.000Z"]);
  clock.jump(-3_000);
  alarm.resync(clock.now());
  await clock.tick(5_000);
  assert.equal(due.length, 2, "a small step back repeats no tick");
  alarm.cancel();
});
