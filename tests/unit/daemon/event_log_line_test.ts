/** Kernel events as lines of the text log. */
import assert from "node:assert/strict";
import { toLogLine } from "../../../src/daemon/event_log_line.ts";
import { aRun } from "../../support/api_views.ts";

Deno.test("each kind of event has a source, a fixed name and a level", () => {
  const signal = { id: 9, sense: "cpu", payload: { used: 1 }, ts: 5 };
  assert.deepEqual(toLogLine({ kind: "signal", signal }, 7), {
    ts: 5,
    level: "info",
    source: "sense:cpu",
    event: "signal",
    message: '9 {"used":1}',
  });
  const problem = toLogLine({ kind: "problem", source: "kernel", message: "x", ts: 5 }, 7);
  assert.deepEqual([problem.level, problem.event, problem.source], ["warn", "problem", "kernel"]);
  const line = toLogLine({ kind: "log", source: "sense:cpu", level: "error", message: "x", ts: 5 }, 7);
  assert.deepEqual([line.level, line.event], ["error", "log"]);
});

Deno.test("the end of a process is a warning only when it was not wanted", () => {
  const levelOf = (change: "ready" | "ended" | "died" | "quarantined" | "reset") =>
    toLogLine({ kind: "unit", unit: "group:a", change, message: "x", ts: 0 }, 0).level;
  assert.deepEqual((["ready", "ended", "reset", "died", "quarantined"] as const).map(levelOf), [
    "debug",
    "debug",
    "info",
    "warn",
    "error",
  ]);
});

Deno.test("a run that has ended says how long it took and why it ended", () => {
  const run = aRun({ status: "failed", exitCode: 1, attempt: 3, reason: "role scan threw" });
  const { event, level, source, ts, message } = toLogLine({ kind: "run", run, tookMs: 800 }, 7);
  assert.deepEqual([event, level, source, ts], ["run.failed", "warn", "workflow:cleanup", 7]);
  assert.equal(message, "run-1, attempt 3, 2 rounds, took 800ms, exit 1, role scan threw");
  const started = aRun({ status: "started", exitCode: null, endedAt: null });
  assert.deepEqual(toLogLine({ kind: "run", run: started, tookMs: null }, 7).message, "run-1");
  assert.equal(toLogLine({ kind: "run", run: aRun(), tookMs: 800 }, 7).level, "info");
});
