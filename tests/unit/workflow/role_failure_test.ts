/** Failures of roles: which one counts for the present round, and how it reads. */
import assert from "node:assert/strict";
import type { RoleFailure } from "../../../src/protocol/run.ts";
import { currentRound, failureOf, reasonOf } from "../../../src/workflow/local/role_failure.ts";
import { aRun } from "../../support/fake_view.ts";

const failure: RoleFailure = {
  round: 3,
  role: "review",
  failures: 1,
  attempts: 3,
  message: "no network",
  waitMs: 1_000,
  retryAt: 5_000,
};

Deno.test("reasonOf() names role and round, and the attempt when the role may have several", () => {
  assert.equal(reasonOf(failure), "role review failed in round 3, attempt 1 of 3: no network");
  assert.equal(reasonOf({ ...failure, attempts: 1, retryAt: null }), "role review failed in round 3: no network");
});

Deno.test("reasonOf() says so when attempts are left that will not be made", () => {
  const last = { ...failure, retryAt: null };
  assert.match(reasonOf(last), /attempt 1 of 3, which is not tried again: no network$/);
  assert.doesNotMatch(reasonOf({ ...last, failures: 3 }), /not tried again/);
});

Deno.test("failureOf() knows the failure of the present round, and none of an earlier one", () => {
  assert.equal(failureOf({ run: aRun({ rounds: 2 }), failed: failure }), failure);
  assert.equal(failureOf({ run: aRun({ rounds: 3 }), failed: failure }), null);
  assert.equal(failureOf({ run: aRun({ rounds: 2 }), failed: null }), null);
});

Deno.test("currentRound() is the round of the message that comes next", () => {
  assert.equal(currentRound(aRun({ rounds: 0 })), 1);
});
