/** The rows of failed attempts: written only for the current attempt and round of the run, and found again. */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import type { RoleFailure, Run } from "../../../src/protocol/run.ts";
import { openStore } from "../../../src/store/store.ts";
import { aRun } from "../../support/api_views.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

const run: Run = aRun({ runId: "a", status: "started", exitCode: null, rounds: 0, endedAt: null, causeId: null });
const wait = { waitMs: 2_000, retryAt: 5_000, failedAt: { wall: 3_000, boot: { id: "a", ms: 7 } } };
const failure: RoleFailure = {
  round: 1,
  role: "r",
  failures: 1,
  attempts: 3,
  message: "thrown",
  ...wait,
  exhausted: "fail",
};

Deno.test("a failure is written only for a started run, in its attempt and at its round", async () => {
  await inTempDir(async (root) => {
    const path = `${root}/logs.db`, store = openStore(path, systemClock);
    const row = { source: "workflow:cleanup", type: "run.started", refId: "a", causeId: null, payload: null } as const;
    await store.runs.create(run, row);
    const of = { runId: "a", workflow: "cleanup", attempt: 1, causeId: null };
    assert.equal(store.runs.readLastFailure("a"), null);
    assert.equal(await store.runs.appendRoleFailure({ ...of, runId: "b" }, failure), false);
    assert.equal(await store.runs.appendRoleFailure({ ...of, attempt: 2 }, failure), false);
    assert.equal(await store.runs.appendRoleFailure(of, { ...failure, round: 2 }), false);
    assert.equal(await store.runs.appendRoleFailure(of, failure), true);
    assert.equal(
      await store.runs.appendRoleFailure(of, { ...failure, failures: 2, waitMs: null, retryAt: null }),
      true,
    );
    const change = { status: "failed", exitCode: 1, endedAt: 9 } as const;
    await store.runs.transition("a", { from: ["started"] }, change, { ...row, type: "run.failed" });
    assert.equal(await store.runs.appendRoleFailure(of, { ...failure, failures: 3 }), false);
    await store.close();

    const again = openStore(path, systemClock);
    assert.deepEqual(again.runs.readLastFailure("a"), { ...failure, failures: 2, waitMs: null, retryAt: null });
    const rows = again.reader.logs({ refId: "a", type: "run.attempt_failed" });
    assert.deepEqual(rows.map(({ source, payload }) => [source, payload]), [
      ["workflow:cleanup", { attempt: 1, ...failure }],
      ["workflow:cleanup", { attempt: 1, ...failure, failures: 2, waitMs: null, retryAt: null }],
    ]);
    await again.close();
  });
});

Deno.test("for a failure of an earlier nerve, whose row has no wait, the wait begins at the time of the row", async () => {
  await inTempDir(async (root) => {
    const store = openStore(`${root}/logs.db`, { ...systemClock, now: () => 4_000 });
    const { waitMs: _, failedAt: __, ...earlier } = failure;
    const row = { source: "workflow:cleanup", type: "run.attempt_failed", refId: "a", causeId: null } as const;
    store.log.append({ ...row, payload: { attempt: 1, ...earlier } });
    await store.log.durable();
    const failedAt = { wall: 4_000, boot: null };
    assert.deepEqual(store.runs.readLastFailure("a"), { ...failure, waitMs: 1_000, failedAt });
    store.log.append({ ...row, payload: { attempt: 1, ...earlier, retryAt: null } });
    await store.log.durable();
    assert.deepEqual(store.runs.readLastFailure("a"), { ...failure, waitMs: null, retryAt: null, failedAt });
    await store.close();
  });
});

Deno.test("the last failure of a run that was paused for it does not count any more; another one does", async () => {
  await inTempDir(async (root) => {
    const store = openStore(`${root}/logs.db`, systemClock), of = { ...run, attempt: 1 };
    await store.runs.create(run, {
      source: "workflow:cleanup",
      type: "run.started",
      refId: "a",
      causeId: null,
      payload: null,
    });
    const last = { ...failure, waitMs: null, retryAt: null, exhausted: "pause" } as const;
    const pause = { from: "started", since: 5, reason: null, wait: null, code: null } as const;
    assert.equal(await store.runs.appendRoleFailure(of, last), true);
    assert.deepEqual(store.runs.readLastFailure("a"), last);
    assert.equal(await store.runs.pause(of, pause, "paused: thrown"), true);
    assert.equal(store.runs.readLastFailure("a"), null);
    assert.equal(await store.runs.unpause({ ...of, rounds: 0 }, pause), true);
    assert.equal(store.runs.readLastFailure("a"), null);
    const again = { ...of, attempt: 2 };
    assert.equal(await store.runs.appendRoleFailure(again, failure), true);
    assert.equal(await store.runs.pause(again, pause, "paused: on request"), true);
    assert.deepEqual(store.runs.readLastFailure("a"), failure, "a pause by hand forgets no failure");
    await store.close();
  });
});
