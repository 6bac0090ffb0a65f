/** The rows of a run. Danger: runs that cannot be rebuilt from the log. */
import assert from "node:assert/strict";
import { buildChangeRow, buildFirstRow, isRunState } from "../../../src/store/runs/run_log_rows.ts";
import { newRun, runRow } from "../../support/store_bench.ts";

Deno.test("the first row of a run has all of the run, and the author's own fields", () => {
  const run = newRun("a"), row = buildFirstRow(runRow("a", { payload: { note: "by hand" } }), run);
  assert.deepEqual(row.payload, { note: "by hand", ...run });
  assert.equal(row.refId, "a");
});

Deno.test("a later row has the changes, and the run's own fields win over the author's", () => {
  const row = buildChangeRow(runRow("a", { type: "run.failed", payload: { status: "?", why: "x" } }), {
    status: "failed",
    exitCode: 1,
  });
  assert.deepEqual(row.payload, { status: "failed", why: "x", exitCode: 1 });
});

Deno.test("a payload that is not an object is kept as detail, and no payload adds nothing", () => {
  const change = { status: "killed" } as const;
  assert.deepEqual(buildChangeRow(runRow("a", { payload: "text" }), change).payload, {
    detail: "text",
    status: "killed",
  });
  assert.deepEqual(buildChangeRow(runRow("a", { payload: null }), change).payload, { status: "killed" });
});

Deno.test("isRunState() distinguishes a change of a run's state from other rows about the run", () => {
  assert.ok(isRunState({ type: "run.crashed", payload: { status: "crashed" } }));
  assert.ok(!isRunState({ type: "run.crashed", payload: { attempt: 1 } }), "a death that did not end the run");
  assert.ok(!isRunState({ type: "run.message", payload: { status: "started" } }));
  assert.ok(!isRunState({ type: "run.failed", payload: ["failed"] }));
});
