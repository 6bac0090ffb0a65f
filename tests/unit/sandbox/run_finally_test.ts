import assert from "node:assert/strict";
import { finallyTimeoutMs } from "../../../src/base/limits.ts";
import { readFinallyPlan } from "../../../src/sandbox/run_finally.ts";

const run = () => {};

function problemOf(value: unknown): string {
  const plan = readFinallyPlan(value);
  return plan.ok ? "none" : plan.error;
}

Deno.test("readFinallyPlan() takes a function or an object, and always sets a time limit", () => {
  assert.deepEqual(readFinallyPlan(undefined), { ok: true, value: null });
  assert.deepEqual(readFinallyPlan(run), { ok: true, value: { run, timeoutMs: finallyTimeoutMs, report: false } });
  assert.deepEqual(readFinallyPlan({ run, timeout: "5s" }), {
    ok: true,
    value: { run, timeoutMs: 5_000, report: false },
  });
  assert.deepEqual(readFinallyPlan({ run, timeout: "5s", report: true }), {
    ok: true,
    value: { run, timeoutMs: 5_000, report: true },
  });
});

Deno.test("readFinallyPlan() says what is wrong", () => {
  for (const value of [null, "run", {}, { run: 1 }]) {
    assert.match(problemOf(value), /^its finally is neither a function/);
  }
  assert.match(
    problemOf({ run, retry: {} }),
    /^its finally has an unknown key retry: the keys are run, timeout and report$/,
  );
  assert.match(problemOf({ run, report: "yes" }), /^its finally has a report that is neither true nor false/);
  assert.match(problemOf({ run, timeout: "2h" }), /^its finally has a timeout that is not between/);
  assert.match(problemOf({ run, timeout: "soon" }), /^its finally has an invalid timeout/);
});
