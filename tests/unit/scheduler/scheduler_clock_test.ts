/**
 * Cron lines and a wall clock that is set, forward and back, with the behaviour of cron(8). The bug was: set back by 30
 * minutes, a line of every second stood still for 30 minutes.
 */
import assert from "node:assert/strict";
import { wallStepMinMs } from "../../../src/base/limits.ts";
import { Scheduler } from "../../../src/scheduler/scheduler.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import fc from "../../support/fast_check.ts";
import { plan, SchedulerBench } from "../../support/scheduler_bench.ts";
import { watchedClock } from "../../support/watched_clock.ts";

const secondMs = 1_000, minuteMs = 60_000, hourMs = 60 * minuteMs, dayMs = 24 * hourMs;
const at = (iso: string): number => Date.parse(iso);
const line = (sense: string, cron: string, lastCronTick: number | null = null) =>
  plan(sense, [{ cron, timezone: "UTC" }], { lastCronTick });

Deno.test("set back by 30 minutes, a line of every second goes on, each second once, with nerve's own watch of the clock", async () => {
  const base = new FakeClock(at("2026-05-05T09:00:00.300Z")), clock = watchedClock(base), due: number[] = [];
  const scheduler = new Scheduler({
    clock,
    starter: {
      compute: (_sense, trigger) => {
        if (trigger.kind === "cron") due.push(trigger.due);
        return Promise.resolve({ beganAt: clock.monotonic(), unheard: null, answered: true });
      },
      prepare: () => {},
    },
    listener: {
      onNonAction: () => {},
      onDropped: () => {},
      onCronTick: () => {},
      onIntervalTick: () => {},
      onSkipped: () => {},
    },
    pauses: { isPaused: () => false },
    records: { lastIntervalTick: () => null },
    newComputeId: () => 1,
  });
  scheduler.setPlans([line("tick", "* * * * * *")]);
  scheduler.start();
  await base.tick(10_000);
  clock.jump(-30 * minuteMs);
  await base.tick(60_000);
  scheduler.stop();
  const before = due.splice(0, 10), from = at("2026-05-05T08:30:11Z");
  assert.equal(before.at(-1), at("2026-05-05T09:00:10Z"));
  assert.deepEqual(due, Array.from({ length: 60 }, (_, second) => from + second * secondMs));
  assert.equal(base.pending, 0);
});

Deno.test("set back by up to three hours, fixed times do not run again; by more, they do", async () => {
  for (
    const [backMs, again] of [[30 * minuteMs, 0], [179 * minuteMs, 0], [181 * minuteMs, 1], [
      dayMs - minuteMs,
      1,
    ]] as const
  ) {
    const bench = new SchedulerBench(at("2026-05-05T08:59:00Z"));
    bench.start(line("report", "0 9 * * *"));
    await bench.clock.tick(minuteMs);
    assert.equal(bench.started.length, 1);
    bench.clock.jump(-backMs);
    await bench.clock.tick(backMs + minuteMs);
    assert.equal(bench.started.length, 1 + again, `set back by ${backMs / minuteMs} minutes`);
    await bench.clock.tick(dayMs);
    assert.equal(bench.started.length, 2 + again);
  }
});

Deno.test("set back by 30 minutes and started again, fixed times do not run again, and lines with a star do", async () => {
  const tick = at("2026-05-05T09:00:00Z"), bench = new SchedulerBench(tick - 29 * minuteMs);
  bench.start(line("report", "0 9 * * *", tick), line("often", "*/10 * * * *", tick));
  await bench.clock.tick(hourMs);
  assert.deepEqual(bench.starts("report"), []);
  assert.deepEqual(bench.starts("often", tick), [-20, -10, 0, 10, 20, 30].map((minutes) => minutes * minuteMs));
});

const jumps = fc.array(
  fc.record({
    ms: fc.nat(20 * minuteMs),
    jump: fc.oneof(fc.integer({ min: 2_000, max: 3 * hourMs }), fc.integer({ min: -3 * hourMs, max: -2_000 })),
  }),
  { maxLength: 10 },
);

Deno.test("for any jumps: a line of every minute runs at each minute that the clock shows, and at most once more after a jump", async () => {
  await fc.assert(
    fc.asyncProperty(jumps, async (steps) => {
      const bench = new SchedulerBench(at("2026-05-05T09:00:20Z"));
      bench.start(line("minutely", "* * * * *"));
      for (const { ms, jump } of steps) {
        bench.clock.jump(jump);
        const from = bench.clock.now(), to = from + ms;
        bench.started.length = 0;
        await bench.clock.tick(ms);
        const shown: number[] = [];
        for (let minute = Math.ceil(from / minuteMs) * minuteMs; minute <= to; minute += minuteMs) shown.push(minute);
        // Skipped minutes may run at the jump; a minute within a second of it may have run already.
        const starts = bench.starts("minutely"), sure = (time: number) => time > from + wallStepMinMs;
        assert.deepEqual(starts.filter(sure), shown.filter(sure));
        assert.ok(new Set(starts).size === starts.length && starts.length <= shown.length + 1);
      }
    }),
    { numRuns: 60 },
  );
});

Deno.test("for any jumps of up to three hours: a fixed time runs once for each day that the clock reaches", async () => {
  await fc.assert(
    fc.asyncProperty(jumps, async (steps) => {
      const start = at("2026-05-05T07:30:00Z"), bench = new SchedulerBench(start);
      bench.start(line("report", "0 9 * * *"));
      let latest = start;
      for (const { ms, jump } of steps) {
        // No further back than three hours from the latest time: that would be the correction of a wrong clock.
        bench.clock.jump(Math.max(jump, latest - 3 * hourMs - bench.clock.now()));
        latest = Math.max(latest, bench.clock.now());
        await bench.clock.tick(ms);
        latest = Math.max(latest, bench.clock.now());
      }
      await bench.clock.tick(0);
      const due = bench.started.map(({ trigger }) => trigger.kind === "cron" ? trigger.due : NaN);
      const days: number[] = [];
      for (let day = at("2026-05-05T09:00:00Z"); day <= latest; day += dayMs) days.push(day);
      assert.deepEqual(due, days);
    }),
    { numRuns: 60 },
  );
});
