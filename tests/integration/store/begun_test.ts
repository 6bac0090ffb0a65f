/**
 * Roles that run once, on disk: begun once in their round, and begun again only after a person has decided so. The database
 * refuses what no code here would ask for.
 */
import assert from "node:assert/strict";
import type { ApprovalDecision, NewApproval } from "../../../src/protocol/approval.ts";
import type { SqliteRunStore } from "../../../src/store/runs/run_store.ts";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { newRun, runRow, sleepOf, withStore } from "../../support/store_bench.ts";

const of = { runId: "a", workflow: "cleanup", attempt: 1, causeId: null } as const;
const begun = { attempt: 1, round: 1, role: "charge", at: 5 } as const;
const retried = { status: "started", attempt: 2, reason: null } as const;
const failed = { status: "failed", exitCode: 1, reason: "f", endedAt: 9 } as const;

function request(n: number): NewApproval {
  const texts = { title: "Again?", body: "", options: ["retry", "done", "fail"], digest: `d${n}` };
  const about = { id: `a:charge:recovery:${n}`, round: 1, role: "charge", gate: "charge", kind: "recovery" } as const;
  return { ...about, ...texts, created: 3, expires: null, onExpiry: null, approvers: null };
}

function decision(n: number, option: string): ApprovalDecision {
  const { id, digest } = request(n);
  const who = { by: "ada", how: "person", token: "t", comment: null, key: null, signature: null } as const;
  return { id, digest, state: "decided", decision: option, ...who, decided: 8 };
}

async function ask(runs: SqliteRunStore, n: number, attempt: number): Promise<void> {
  const wait = { ...sleepOf(1), kind: "recovery", due: null, dueBoot: null } as const;
  assert.ok(await runs.beginWait({ ...of, attempt }, wait, "asks", request(n)));
}

Deno.test("a role begins once in its attempt and round, and its message takes that away", () =>
  withStore(async ({ store: { runs, reader } }) => {
    await runs.create(newRun("a"), runRow("a"));
    for (const wrong of [{ ...begun, attempt: 2 }, { ...begun, round: 2 }]) {
      assert.equal(await runs.beginRole({ ...of, attempt: wrong.attempt }, wrong), false);
    }
    assert.equal(await runs.beginRole({ ...of, runId: "b" }, begun), false);
    assert.equal(await runs.beginRole(of, begun), true);
    assert.equal(await runs.beginRole(of, begun), false, "it has begun already");
    assert.deepEqual(runs.readBegun("a"), begun);
    assert.deepEqual(reader.logs({ refId: "a" }).map(({ type, payload }) => [type, payload]).slice(1), [
      ["run.role_begun", begun],
    ]);
    await runs.appendMessage(of, { round: 1, role: "charge", content: "c", meta: {}, ts: 6 });
    assert.equal(runs.readBegun("a"), null);
    assert.equal(await runs.beginRole(of, { ...begun, round: 2 }), true);
  }));

Deno.test("a decision that it runs again is one commit with the move; the next doubt is another request", () =>
  withStore(async ({ store: { runs, reader } }) => {
    await runs.create(newRun("a"), runRow("a"));
    await runs.beginRole(of, begun);
    await ask(runs, 1, 1);
    assert.deepEqual(runs.readBegun("a"), begun, "it is still in doubt");
    const decide = (of: Parameters<typeof runs.decideRecovery>[0], made: ApprovalDecision) =>
      runs.decideRecovery(of, retried, runRow("a", { type: "run.resumed" }), made);
    assert.equal(await decide(of, { ...decision(1, "retry"), digest: "other" }), false);
    assert.equal(await decide({ ...of, attempt: 2 }, decision(1, "retry")), false);
    const both = await Promise.all([decide(of, decision(1, "retry")), decide(of, decision(1, "retry"))]);
    assert.deepEqual(both, [true, false]);
    assert.deepEqual([runs.get("a")?.status, runs.get("a")?.attempt, runs.get("a")?.rounds], ["started", 2, 0]);
    assert.deepEqual([runs.readBegun("a"), runs.readWait("a")], [null, null]);
    const rows = reader.logs({ refId: "a" }).map(({ type }) => type);
    assert.deepEqual(rows.slice(-3), ["approval.requested", "run.resumed", "approval.decided"]);
    assert.ok(await runs.beginRole({ ...of, attempt: 2 }, { ...begun, attempt: 2 }));
    await ask(runs, 2, 2);
    assert.equal(runs.readApprovalAt("a", 1)?.approval.id, request(2).id, "the newest request of the round");
    assert.equal(runs.countApprovals("a", "charge"), 2);
  }));

Deno.test("a decision that the run has failed ends it, and the request with it", () =>
  withStore(async ({ store: { runs } }) => {
    await runs.create(newRun("a"), runRow("a"));
    await runs.beginRole(of, begun);
    await ask(runs, 1, 1);
    const row = runRow("a", { type: "run.failed" });
    assert.ok(await runs.decideRecovery(of, failed, row, decision(1, "fail")));
    assert.deepEqual([runs.get("a")?.status, runs.readBegun("a")], ["failed", null]);
    const { approval } = runs.readApproval(request(1).id) ?? assert.fail();
    assert.deepEqual([approval.state, approval.open, approval.decision], ["decided", false, "fail"]);
  }));

Deno.test("a failure of such a role is over once a person has decided", () =>
  withStore(async ({ store: { runs } }) => {
    await runs.create(newRun("a"), runRow("a"));
    await runs.beginRole(of, begun);
    const about = {
      round: 1,
      role: "charge",
      failures: 1,
      attempts: 1,
      message: "thrown",
      waitMs: null,
      retryAt: null,
    };
    await runs.appendRoleFailure(of, { ...about, failedAt: { wall: 4, boot: null }, exhausted: "ask" });
    await ask(runs, 1, 1);
    assert.equal(runs.readLastFailure("a")?.message, "thrown");
    await runs.decideRecovery(of, retried, runRow("a", { type: "run.resumed" }), decision(1, "retry"));
    assert.equal(runs.readLastFailure("a"), null);
  }));

Deno.test("the database refuses a second beginning, and a decision without its move or a move without its wait", () =>
  withStore(async ({ store: { runs }, path }) => {
    using db = openDatabase(path);
    const exec = (sql: string) => db.exec(sql);
    await runs.create(newRun("a"), runRow("a"));
    await runs.create(newRun("b"), runRow("b"));
    await runs.beginRole(of, begun);
    assert.throws(() => exec("insert into run_begun values ('a', 1, 1, 'charge', 5)"), /UNIQUE|constraint/);
    assert.throws(() => exec("insert into run_begun values ('b', 2, 1, 'charge', 5)"), /only a started run/);
    assert.throws(() => exec("update run_begun set at = 6"), /begins once/);
    await ask(runs, 1, 1);
    await runs.beginWait({ ...of, runId: "b" }, sleepOf(1), "sleeps");
    const change = (set: string, run = "a") => () => exec(`update workflow_runs set ${set} where run_id = '${run}'`);
    for (const set of ["status = 'failed'", "status = 'started', attempt = 2"]) {
      assert.throws(change(set, "b"), /illegal move/, "a sleep is no such wait");
    }
    for (const set of ["status = 'failed', rounds = 1", "status = 'started'", "status = 'completed'"]) {
      assert.throws(change(set), /illegal move/, set);
    }
    const decide = (option: string) => () =>
      exec(`update approvals set open = 0, state = 'decided', decision = '${option}'`);
    for (const option of ["retry", "done", "fail"]) assert.throws(decide(option), /with the move of its run/, option);
    change("status = 'started', attempt = 2")();
    for (const option of ["done", "fail"]) assert.throws(decide(option), /with the move of its run/, option);
    decide("retry")();
    assert.throws(decide("retry"), /decided once/);
  }));
