import assert from "node:assert/strict";
import { findCatchUpLines, findMissedCronTick, findMissedTick } from "../../../src/scheduler/cron_catch_up.ts";
import { CronTimes } from "../../../src/scheduler/cron_times.ts";
import type { ReflexPlan, SensePlan } from "../../../src/scheduler/ports.ts";
import { spreadBy } from "../../../src/scheduler/spread.ts";

const at = (iso: string): number => Date.parse(iso);

Deno.test("a missed cron tick is the newest one after the last stored tick", () => {
  const daily = new CronTimes("0 9 * * *", "UTC");
  const now = at("2026-05-04T12:00:00Z");
  assert.equal(findMissedCronTick(daily, at("2026-05-01T09:00:00Z"), now), at("2026-05-04T09:00:00Z"));
  assert.equal(findMissedCronTick(daily, at("2026-05-04T09:00:00Z"), now), null);
  assert.equal(findMissedCronTick(daily, null, now), null);
  assert.equal(
    findMissedCronTick(daily, at("2026-05-03T09:00:00Z"), at("2026-05-04T09:00:00Z")),
    at("2026-05-04T09:00:00Z"),
  );
});

const line: ReflexPlan = {
  intervalMs: null,
  cron: "0 9 * * *",
  timezone: "UTC",
  catchUp: "once",
  jitterMs: 0,
  on: [],
  hook: null,
};
const planOf = (reflexes: readonly ReflexPlan[], lastCronTick: number | null): SensePlan =>
  ({ reflexes, lastCronTick }) as SensePlan;

Deno.test("of all lines that catch up, the newest missed tick counts; other lines miss nothing", () => {
  const hourly = { ...line, cron: "0 * * * *" }, other: ReflexPlan = { ...hourly, catchUp: "none" };
  const last = at("2026-05-01T09:00:00Z"), now = at("2026-05-04T12:30:00Z");
  const find = (reflexes: readonly ReflexPlan[], since: number | null = last) =>
    findMissedTick("disk", planOf(reflexes, since), now);
  assert.equal(find([line]), at("2026-05-04T09:00:00Z"));
  assert.equal(find([line, hourly]), at("2026-05-04T12:00:00Z"));
  assert.equal(find([line, other]), at("2026-05-04T09:00:00Z"));
  assert.deepEqual([find([other]), find([]), find([line], null), find([hourly], now)], [null, null, null, null]);
  assert.deepEqual(findCatchUpLines(planOf([line, other, { ...line, cron: null }], last)), [line]);
});

Deno.test("a tick that its jitter still holds back is not missed", () => {
  const jittered = { ...line, jitterMs: 3_600_000 }, late = spreadBy("disk", jittered.jitterMs);
  assert.ok(late > 0);
  const plan = planOf([jittered], at("2026-05-03T09:00:00Z")), tick = at("2026-05-04T09:00:00Z");
  assert.equal(findMissedTick("disk", plan, tick + late - 1), null);
  assert.equal(findMissedTick("disk", plan, tick + late), tick);
});
