import assert from "node:assert/strict";
import { findRetryWait, readRetryPolicy, type RetryPlan } from "../../../src/sandbox/retry_policy.ts";

function policyOf(retry: unknown): RetryPlan {
  const read = readRetryPolicy(retry);
  return read.ok ? read.value : assert.fail(read.error);
}

Deno.test("without retry a role has one attempt, and its failure ends the run", () => {
  const policy = policyOf(undefined);
  assert.deepEqual([policy.attempts, policy.exhausted, findRetryWait(policy, 1, new Error("x"))], [1, "fail", null]);
});

Deno.test("findRetryWait() doubles the wait up to its bound, and is null after the last attempt", () => {
  const plan = policyOf({ attempts: 5, backoff: 100, maxBackoff: 350 });
  assert.deepEqual([1, 2, 3, 4, 5].map((failures) => findRetryWait(plan, failures, null)), [100, 200, 350, 350, null]);
});

Deno.test("an error can be excluded from retries by its name, its class, or a function of the author", () => {
  class NoSuchUser extends Error {}
  const named = policyOf({ attempts: 9, nonRetryable: ["NoSuchUser", "TimeoutError"] });
  assert.equal(findRetryWait(named, 1, new NoSuchUser("x")), null);
  assert.equal(findRetryWait(named, 1, new DOMException("late", "TimeoutError")), null);
  assert.notEqual(findRetryWait(named, 1, new Error("x")), null);
  assert.notEqual(findRetryWait(named, 1, "NoSuchUser"), null);
  const plan = policyOf({ attempts: 9, nonRetryable: (thrown: unknown) => thrown === "stop" });
  assert.deepEqual([findRetryWait(plan, 1, "stop"), findRetryWait(plan, 1, "go") === null], [null, false]);
});
