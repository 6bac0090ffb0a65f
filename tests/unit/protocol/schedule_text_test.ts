/** Reflexes and schedules in words. */
import assert from "node:assert/strict";
import { formatReflex, formatSchedule } from "../../../src/protocol/schedule_text.ts";

Deno.test("formatReflex() names every way in which a sense can be triggered", () => {
  const none = { intervalMs: null, cron: null, timezone: null, on: [], watch: [], hook: null };
  assert.equal(formatReflex({ ...none, intervalMs: 90_000 }), "every 1m30s");
  assert.equal(formatReflex({ ...none, cron: "0 9 * * *" }), "cron 0 9 * * *");
  assert.equal(formatReflex({ ...none, watch: ["./in", "*.csv"] }), "watching ./in, *.csv");
  const both = { ...none, cron: "0 9 * * *", timezone: "Europe/Berlin", on: ["a", "b"] };
  assert.equal(formatReflex(both), "cron 0 9 * * * (Europe/Berlin) and on a, b");
  assert.equal(formatReflex({ ...none, hook: "git" }), "hook git");
});

Deno.test("formatSchedule() names the cron line, and the time zone where there is one", () => {
  assert.equal(formatSchedule({ cron: "0 9 * * *", timezone: null }), "cron 0 9 * * *");
  assert.equal(formatSchedule({ cron: "@daily", timezone: "UTC" }), "cron @daily (UTC)");
});
