/** Kernel events as lines of a terminal. */
import assert from "node:assert/strict";
import { formatEvent, Tally } from "../../../src/cli/render/event_lines.ts";
import { aRun } from "../../support/api_views.ts";

Deno.test("an event is one line, whatever its text", () => {
  const signal = { id: 1, sense: "cpu-usage", payload: { text: `a\n${"b".repeat(1_000)}` }, ts: 0 };
  const line = formatEvent({ kind: "signal", signal }) ?? "";
  assert.match(line, /^📡 cpu-usage \{"text":"a\\nb+\.\.\.$/);
  assert.ok(line.length < 200);
  assert.equal(formatEvent({ kind: "log", source: "sense:a", level: "debug", message: "x", ts: 0 }), null);
  assert.equal(formatEvent({ kind: "unit", unit: "group:a", change: "ready", message: "x", ts: 0 }), null);
  const failed = aRun({ status: "failed", exitCode: 1, reason: "role scan\nthrew", attempt: 2 });
  assert.equal(
    formatEvent({ kind: "run", run: failed, tookMs: 800 }),
    "❌ cleanup run-1 failed after 2 rounds, 800ms (exit 1): role scan\\u000athrew",
  );
});

Deno.test("the tally counts each run once, by its last status", () => {
  const tally = new Tally();
  for (const status of ["queued", "started", "completed"] as const) {
    tally.count({ kind: "run", run: aRun({ status }), tookMs: null });
  }
  tally.count({ kind: "run", run: aRun({ runId: "run-2", status: "failed" }), tookMs: 1 });
  tally.count({ kind: "problem", source: "kernel", message: "x", ts: 0 });
  tally.count({ kind: "unit", unit: "group:a", change: "ended", message: "x", ts: 0 });
  assert.equal(String(tally), "0 signals, 2 runs (1 completed, 1 failed), 1 problem");
});
