import assert from "node:assert/strict";
import { prepareAheadMs } from "../../../src/base/limits.ts";
import type { SensePlan } from "../../../src/scheduler/ports.ts";
import { plan, SchedulerBench } from "../../support/scheduler_bench.ts";

const minuteMs = 60_000, hourMs = 60 * minuteMs, dayMs = 24 * hourMs;
const at = (iso: string): number => Date.parse(iso);
const iso = (times: number[]): string[] => times.map((time) => new Date(time).toISOString().replace(".000Z", "Z"));

const daily = (parts: Partial<SensePlan> = {}, catchUp: "none" | "once" = "once"): SensePlan =>
  plan("report", [{ cron: "0 9 * * *", timezone: "UTC", catchUp }], parts);

Deno.test("a cron line fires at its times only, and each tick is reported so that it can be stored", async () => {
  const bench = new SchedulerBench(at("2026-05-01T08:00:00Z"));
  bench.start(daily({}, "none"));
  await bench.clock.tick(2 * dayMs);
  const due = [at("2026-05-01T09:00:00Z"), at("2026-05-02T09:00:00Z")];
  assert.deepEqual(bench.starts("report"), due);
  assert.deepEqual(bench.cronTicks, due.map((time) => ({ sense: "report", due: time })));
  assert.deepEqual(bench.started[0]?.trigger, { kind: "cron", due: due[0], coalesced: 0 });
  assert.deepEqual(bench.prepared.map((ahead) => ahead.at), due.map((time) => time - prepareAheadMs));
});

Deno.test("a line at 02:30 in Berlin fires once on each day, also when the clock goes forward and back", async () => {
  const line = plan("night", [{ cron: "30 2 * * *", timezone: "Europe/Berlin" }]);
  const spring = new SchedulerBench(at("2026-03-28T00:00:00Z"));
  spring.start(line);
  await spring.clock.tick(3 * dayMs);
  assert.deepEqual(iso(spring.starts("night")), [
    "2026-03-28T01:30:00Z",
    "2026-03-29T01:00:00Z",
    "2026-03-30T00:30:00Z",
  ]);

  const autumn = new SchedulerBench(at("2026-10-24T00:00:00Z"));
  autumn.start(line);
  await autumn.clock.tick(3 * dayMs);
  assert.deepEqual(iso(autumn.starts("night")), [
    "2026-10-24T00:30:00Z",
    "2026-10-25T00:30:00Z",
    "2026-10-26T01:30:00Z",
  ]);
});

Deno.test("catch_up: once runs one compute for all ticks that were missed while the daemon was down", async () => {
  const bench = new SchedulerBench(at("2026-05-05T12:00:00Z"));
  bench.start(daily({ lastCronTick: at("2026-05-01T09:00:00Z"), startupDelayMs: 500 }));
  assert.equal(bench.scheduler.view("report")?.nextDue, at("2026-05-05T12:00:00.500Z"));
  await bench.clock.tick(hourMs);
  const missed = at("2026-05-05T09:00:00Z");
  assert.deepEqual(bench.starts("report"), [at("2026-05-05T12:00:00.500Z")]);
  assert.deepEqual(bench.started[0]?.trigger, { kind: "cron", due: missed, coalesced: 0 });
  assert.deepEqual(bench.cronTicks, [{ sense: "report", due: missed }]);
});

Deno.test("a tick whose compute died is not reported, and is caught up as soon as the sense can compute again", async () => {
  for (const catchUp of ["once", "none"] as const) {
    const bench = new SchedulerBench(at("2026-05-01T08:59:00Z")), due = at("2026-05-01T09:00:00Z");
    bench.start(daily({ lastCronTick: at("2026-04-30T09:00:00Z") }, catchUp));
    bench.down.add("report");
    await bench.clock.tick(2 * minuteMs);
    assert.deepEqual([bench.starts("report"), bench.cronTicks], [[due], []]);
    bench.down.clear();
    bench.scheduler.resume("report");
    await bench.clock.tick(0);
    bench.scheduler.resume("report");
    await bench.clock.tick(minuteMs);
    assert.equal(bench.starts("report").length, catchUp === "once" ? 2 : 1);
    assert.deepEqual(bench.cronTicks, catchUp === "once" ? [{ sense: "report", due }] : []);
  }
});

Deno.test("a sense that is removed before its startup delay is over does not catch up", async () => {
  const bench = new SchedulerBench(at("2026-05-05T12:00:00Z"));
  bench.start(daily({ lastCronTick: at("2026-05-01T09:00:00Z"), startupDelayMs: 500 }));
  await bench.clock.tick(100);
  bench.scheduler.setPlans([]);
  await bench.clock.tick(hourMs);
  assert.deepEqual(bench.started, []);
});

Deno.test("no compute catches up when no tick was missed, without catch_up, or when the line is new", async () => {
  for (
    const line of [
      daily({ lastCronTick: at("2026-05-05T09:00:00Z") }),
      daily({ lastCronTick: at("2026-05-01T09:00:00Z") }, "none"),
      daily({ lastCronTick: null }),
    ]
  ) {
    const bench = new SchedulerBench(at("2026-05-05T12:00:00Z"));
    bench.start(line);
    await bench.clock.tick(hourMs);
    assert.deepEqual(bench.started, []);
  }
});

Deno.test("a new line is stored at once, so that its first tick can be caught up when it is missed", () => {
  const now = at("2026-05-05T12:00:00Z");
  const bench = new SchedulerBench(now);
  bench.start(daily());
  assert.deepEqual(bench.cronTicks, [{ sense: "report", due: now }]);

  const without = new SchedulerBench(now);
  without.start(daily({}, "none"));
  assert.deepEqual(without.cronTicks, []);
});

Deno.test("a reload neither catches up nor restarts a line, although its last tick has moved", async () => {
  const bench = new SchedulerBench(at("2026-05-05T08:00:00Z"));
  bench.start(daily({ lastCronTick: at("2026-05-04T09:00:00Z") }));
  await bench.clock.tick(2 * hourMs);
  bench.scheduler.setPlans([daily({ lastCronTick: at("2026-05-05T09:00:00Z") })]);
  bench.scheduler.setPlans([daily({ lastCronTick: at("2026-05-01T09:00:00Z") })]);
  await bench.clock.tick(hourMs);
  assert.deepEqual(iso(bench.starts("report")), ["2026-05-05T09:00:00Z"]);
});

Deno.test("the wall clock set forward by hours gives one tick of each cron line, and none of intervals", async () => {
  const start = at("2026-05-05T08:00:30Z");
  const bench = new SchedulerBench(start);
  bench.start(
    daily({}, "none"),
    plan("minutely", [{ cron: "* * * * *", timezone: "UTC" }]),
    plan("steady", [{ intervalMs: 10_000 }]),
  );
  await bench.clock.tick(15_000);
  bench.clock.jump(5 * hourMs);
  await bench.clock.tick(minuteMs);
  assert.equal(bench.starts("report").length, 1);
  // Set to 13:00:45: all ticks since 08:01 come at once, as one; then each minute again.
  assert.deepEqual(iso(bench.starts("minutely")), ["2026-05-05T13:00:45Z", "2026-05-05T13:01:00Z"]);
  assert.equal(bench.starts("steady").length, 8);
  await bench.clock.tick(10 * minuteMs);
  assert.equal(bench.starts("minutely").length, 12);
  assert.equal(bench.starts("report").length, 1);
});

Deno.test("a machine that slept through a cron time runs it when it wakes", async () => {
  // Timers stand still while a machine sleeps: a report that did not follow the wall clock would be eight hours late.
  const bench = new SchedulerBench(at("2026-05-05T00:55:00Z"));
  bench.start(daily({}, "none"));
  await bench.clock.tick(5 * minuteMs);
  bench.clock.jump(7 * hourMs + 58 * minuteMs);
  await bench.clock.tick(3 * minuteMs);
  assert.deepEqual(iso(bench.starts("report")), ["2026-05-05T09:00:00Z"]);
});

Deno.test("the wall clock set back silences neither intervals nor, by much, cron lines; by little it repeats no tick", async () => {
  const start = at("2026-05-05T09:00:00Z");
  const bench = new SchedulerBench(start);
  bench.start(
    daily({}, "none"),
    plan("minutely", [{ cron: "* * * * *", timezone: "UTC" }]),
    plan("steady", [{
      intervalMs: 1_000,
    }]),
  );
  await bench.clock.tick(dayMs + 500);
  assert.equal(bench.starts("report").length, 1);
  bench.clock.jump(-3_000);
  const steady = bench.starts("steady").length;
  await bench.clock.tick(5 * minuteMs);
  assert.equal(bench.starts("report").length, 1, "a correction of 3 s repeated the daily report");
  assert.equal(bench.starts("steady").length, steady + 300);

  bench.clock.jump(-400 * dayMs);
  const minutely = bench.starts("minutely").length;
  await bench.clock.tick(10 * minuteMs);
  assert.ok(bench.starts("minutely").length >= minutely + 8, "a line for every minute fell silent");
});

Deno.test("without cron lines nobody follows the wall clock, with them the scheduler does once, until it stops", async () => {
  const bench = new SchedulerBench();
  bench.start(plan("a", [{ on: ["b"] }]));
  assert.deepEqual([bench.clock.pending, bench.clock.followers], [0, 0]);
  bench.scheduler.setPlans([daily(), { ...daily(), sense: "b" }]);
  assert.deepEqual([bench.clock.pending, bench.clock.followers], [1, 1]);
  bench.scheduler.setPlans([]);
  await bench.clock.tick(2 * minuteMs);
  assert.deepEqual([bench.clock.pending, bench.clock.followers], [0, 0]);
  bench.scheduler.setPlans([daily()]);
  bench.scheduler.stop();
  assert.deepEqual([bench.clock.pending, bench.clock.followers], [0, 0]);
});
