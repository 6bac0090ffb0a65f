import assert from "node:assert/strict";
import { messageContentMaxBytes, reasonMaxChars } from "../../../src/base/limits.ts";
import { createClosing, toClosingResult } from "../../../src/workflow/local/closing_result.ts";

Deno.test("toClosingResult() takes what fits into a row, and bounds what a process says", () => {
  assert.equal(toClosingResult({ kind: "none" }), null);
  const done = { kind: "done", content: "c", meta: { n: 1 } } as const;
  assert.deepEqual(toClosingResult(done), { content: "c", meta: { n: 1 } });
  const large = toClosingResult({ ...done, content: "x".repeat(messageContentMaxBytes + 1) });
  assert.match(String(Object(large).error), /^content is larger than/);
  const long = toClosingResult({ kind: "failed", message: "x".repeat(2 * reasonMaxChars), place: null });
  assert.equal(String(Object(long).error).length <= reasonMaxChars + 3, true);
});

Deno.test("createClosing() names the file of a report", () => {
  const run = { runId: "a.1", status: "killed" } as const, result = { content: "c", meta: {} };
  assert.deepEqual(createClosing(run, { attempts: 2, report: false }, result), {
    status: "killed",
    attempts: 2,
    ...result,
  });
  const report = createClosing(run, { attempts: 1, report: true }, { error: "e" });
  assert.deepEqual(report, { status: "killed", attempts: 1, report: "data/reports/a.1.report.md", error: "e" });
});
