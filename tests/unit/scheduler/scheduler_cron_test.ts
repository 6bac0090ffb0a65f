import assert from "node:assert/strict";
import { prepareAheadMs } from "../../../src/base/limits.ts";
import type { SensePlan } from "../../../src/scheduler/scheduler.ts";
import { Harness, plan } from "./harness.ts";

const minuteMs = 60_000, hourMs = 60 * minuteMs, dayMs = 24 * hourMs;
const at = (iso: string): number => Date.parse(iso);
const iso = (times: number[]): string[] => times.map((time) => new Date(time).toISOString().replace(".000Z", "Z"));

const daily = (parts: Partial<SensePlan> = {}, catchUp: "none" | "once" = "once"): SensePlan =>
  plan("report", [{ cron: "0 9 * * *", timezone: "UTC", catchUp }], parts);

Deno.test("a cron line comes at its times only, and each tick is told to be remembered", async () => {
  const harness = new Harness(at("2026-05-01T08:00:00Z"));
  harness.start(daily({}, "none"));
  await harness.clock.tick(2 * dayMs);
  const due = [at("2026-05-01T09:00:00Z"), at("2026-05-02T09:00:00Z")];
  assert.deepEqual(harness.starts("report"), due);
  assert.deepEqual(harness.cronTicks, due.map((time) => ({ sense: "report", due: time })));
  assert.deepEqual(harness.started[0]?.trigger, { kind: "cron", due: due[0], coalesced: 0 });
  assert.deepEqual(harness.prepared.map((ahead) => ahead.at), due.map((time) => time - prepareAheadMs));
});

Deno.test("a line at 02:30 in Berlin comes once on each day, also when the clock goes forward and back", async () => {
  const line = plan("night", [{ cron: "30 2 * * *", timezone: "Europe/Berlin" }]);
  const spring = new Harness(at("2026-03-28T00:00:00Z"));
  spring.start(line);
  await spring.clock.tick(3 * dayMs);
  assert.deepEqual(iso(spring.starts("night")), [
    "2026-03-28T01:30:00Z",
    "2026-03-29T01:00:00Z",
    "2026-03-30T00:30:00Z",
  ]);

  const autumn = new Harness(at("2026-10-24T00:00:00Z"));
  autumn.start(line);
  await autumn.clock.tick(3 * dayMs);
  assert.deepEqual(iso(autumn.starts("night")), [
    "2026-10-24T00:30:00Z",
    "2026-10-25T00:30:00Z",
    "2026-10-26T01:30:00Z",
  ]);
});

Deno.test("catch_up: once runs one compute for all ticks that were missed while the daemon was down", async () => {
  const harness = new Harness(at("2026-05-05T12:00:00Z"));
  harness.start(daily({ lastCronTick: at("2026-05-01T09:00:00Z"), startupDelayMs: 500 }));
  assert.equal(harness.scheduler.view("report")?.nextDue, at("2026-05-05T12:00:00.500Z"));
  await harness.clock.tick(hourMs);
  const missed = at("2026-05-05T09:00:00Z");
  assert.deepEqual(harness.starts("report"), [at("2026-05-05T12:00:00.500Z")]);
  assert.deepEqual(harness.started[0]?.trigger, { kind: "cron", due: missed, coalesced: 0 });
  assert.deepEqual(harness.cronTicks, [{ sense: "report", due: missed }]);
});

Deno.test("a sense that is removed before its startup delay is over catches nothing up", async () => {
  const harness = new Harness(at("2026-05-05T12:00:00Z"));
  harness.start(daily({ lastCronTick: at("2026-05-01T09:00:00Z"), startupDelayMs: 500 }));
  await harness.clock.tick(100);
  harness.scheduler.setPlans([]);
  await harness.clock.tick(hourMs);
  assert.deepEqual(harness.started, []);
});

Deno.test("nothing is caught up when no tick was missed, without catch_up, or when the line is new", async () => {
  for (
    const line of [
      daily({ lastCronTick: at("2026-05-05T09:00:00Z") }),
      daily({ lastCronTick: at("2026-05-01T09:00:00Z") }, "none"),
      daily({ lastCronTick: null }),
    ]
  ) {
    const harness = new Harness(at("2026-05-05T12:00:00Z"));
    harness.start(line);
    await harness.clock.tick(hourMs);
    assert.deepEqual(harness.started, []);
  }
});

Deno.test("a line that is followed for the first time is remembered at once, so that its first tick may be missed", () => {
  const now = at("2026-05-05T12:00:00Z");
  const harness = new Harness(now);
  harness.start(daily());
  assert.deepEqual(harness.cronTicks, [{ sense: "report", due: now }]);

  const without = new Harness(now);
  without.start(daily({}, "none"));
  assert.deepEqual(without.cronTicks, []);
});

Deno.test("a reload neither catches up nor restarts a line, though its last tick has moved", async () => {
  const harness = new Harness(at("2026-05-05T08:00:00Z"));
  harness.start(daily({ lastCronTick: at("2026-05-04T09:00:00Z") }));
  await harness.clock.tick(2 * hourMs);
  harness.scheduler.setPlans([daily({ lastCronTick: at("2026-05-05T09:00:00Z") })]);
  harness.scheduler.setPlans([daily({ lastCronTick: at("2026-05-01T09:00:00Z") })]);
  await harness.clock.tick(hourMs);
  assert.deepEqual(iso(harness.starts("report")), ["2026-05-05T09:00:00Z"]);
});

Deno.test("the wall clock set forward by hours gives one tick of each cron line within a minute, and none of intervals", async () => {
  const start = at("2026-05-05T08:00:30Z");
  const harness = new Harness(start);
  harness.start(
    daily({}, "none"),
    plan("minutely", [{ cron: "* * * * *", timezone: "UTC" }]),
    plan("steady", [{ intervalMs: 10_000 }]),
  );
  await harness.clock.tick(15_000);
  harness.clock.jump(5 * hourMs);
  await harness.clock.tick(minuteMs);
  assert.equal(harness.starts("report").length, 1);
  // Set to 13:00:45: what was due at 08:01 comes with what is due at 13:01, as one; then each minute again.
  assert.deepEqual(iso(harness.starts("minutely")), ["2026-05-05T13:01:00Z"]);
  assert.equal(harness.starts("steady").length, 8);
  await harness.clock.tick(10 * minuteMs);
  assert.equal(harness.starts("minutely").length, 11);
  assert.equal(harness.starts("report").length, 1);
});

Deno.test("a machine that slept through a cron time runs it within a minute after it woke", async () => {
  // Timers stand still while a machine sleeps: without a look at the wall this report would be eight hours late.
  const harness = new Harness(at("2026-05-05T00:55:00Z"));
  harness.start(daily({}, "none"));
  await harness.clock.tick(5 * minuteMs);
  harness.clock.jump(7 * hourMs + 58 * minuteMs);
  await harness.clock.tick(3 * minuteMs);
  assert.deepEqual(iso(harness.starts("report")), ["2026-05-05T09:00:00Z"]);
});

Deno.test("the wall clock set back silences neither intervals nor, by much, cron lines; by little it repeats no tick", async () => {
  const start = at("2026-05-05T09:00:00Z");
  const harness = new Harness(start);
  harness.start(
    daily({}, "none"),
    plan("minutely", [{ cron: "* * * * *", timezone: "UTC" }]),
    plan("steady", [{
      intervalMs: 1_000,
    }]),
  );
  await harness.clock.tick(dayMs + 500);
  assert.equal(harness.starts("report").length, 1);
  harness.clock.jump(-3_000);
  const steady = harness.starts("steady").length;
  await harness.clock.tick(5 * minuteMs);
  assert.equal(harness.starts("report").length, 1, "a correction of 3 s repeated the daily report");
  assert.equal(harness.starts("steady").length, steady + 300);

  harness.clock.jump(-400 * dayMs);
  const minutely = harness.starts("minutely").length;
  await harness.clock.tick(10 * minuteMs);
  assert.ok(harness.starts("minutely").length >= minutely + 8, "a line for every minute fell silent");
});

Deno.test("without cron lines nobody looks at the wall clock, with them it is one timer for all", async () => {
  const harness = new Harness();
  harness.start(plan("a", [{ on: ["b"] }]));
  assert.equal(harness.clock.pending, 0);
  harness.scheduler.setPlans([daily()]);
  assert.equal(harness.clock.pending, 1);
  harness.scheduler.setPlans([]);
  await harness.clock.tick(2 * minuteMs);
  assert.equal(harness.clock.pending, 0);
});
