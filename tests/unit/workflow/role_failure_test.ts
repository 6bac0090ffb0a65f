/** Failures of roles: which one counts for the current round, and its text. */
import assert from "node:assert/strict";
import type { RoleFailure } from "../../../src/protocol/run.ts";
import { currentRoundOf, describeFailure, failureOf } from "../../../src/workflow/local/role_failure.ts";
import { aRun } from "../../support/api_views.ts";

const failure: RoleFailure = {
  round: 3,
  role: "review",
  failures: 1,
  attempts: 3,
  exhausted: "fail",
  message: "no network",
  waitMs: 1_000,
  retryAt: 5_000,
  failedAt: { wall: 4_000, boot: null },
};

Deno.test("describeFailure() names role and round, and the attempt when several are allowed", () => {
  assert.equal(describeFailure(failure), "role review failed in round 3, attempt 1 of 3: no network");
  assert.equal(
    describeFailure({ ...failure, attempts: 1, retryAt: null }),
    "role review failed in round 3: no network",
  );
});

Deno.test("describeFailure() says when no further attempt follows although some are left", () => {
  const last = { ...failure, retryAt: null };
  assert.match(describeFailure(last), /attempt 1 of 3, not retried: no network$/);
  assert.doesNotMatch(describeFailure({ ...last, failures: 3 }), /not tried again/);
});

Deno.test("failureOf() returns the failure of the current round, and none of an earlier one", () => {
  assert.equal(failureOf({ run: aRun({ rounds: 2 }), lastFailure: failure }), failure);
  assert.equal(failureOf({ run: aRun({ rounds: 3 }), lastFailure: failure }), null);
  assert.equal(failureOf({ run: aRun({ rounds: 2 }), lastFailure: null }), null);
});

Deno.test("currentRoundOf() is the round of the next message", () => {
  assert.equal(currentRoundOf(aRun({ rounds: 0 })), 1);
});
