/** Requests in the database. Danger: one is decided twice, or another one than what was shown. */
import assert from "node:assert/strict";
import type { ApprovalDecision, NewApproval } from "../../../src/protocol/approval.ts";
import {
  countApprovals,
  countOpen,
  decideAlone,
  decideApproval,
  insertAlone,
  insertApproval,
  listAgentRequests,
  listApprovals,
  readApproval,
  readApprovalAt,
  readNewestOf,
  withoutSignatures,
} from "../../../src/store/approvals/approval_sql.ts";
import { logMigrations } from "../../../src/store/log/schema.ts";
import { settleWait } from "../../../src/store/runs/wait_sql.ts";
import { migrate, openDatabase, StatementCache } from "../../../src/store/sqlite/database.ts";
import { RunTables } from "../../support/run_tables.ts";

function requestOf(runId: string, change: Partial<NewApproval> = {}): NewApproval {
  const texts = {
    title: `Go ${runId}?`,
    body: "- ä\ud83d\ude00",
    options: ["approve", 're"ject'],
    digest: `of ${runId}`,
  };
  const rest = { created: 3, expires: null, onExpiry: null, approvers: null };
  return { id: `${runId}:ask::1`, round: 1, role: "ask", gate: "ask", kind: "gate", ...texts, ...rest, ...change };
}

function decisionOf(runId: string, change: Partial<ApprovalDecision> = {}): ApprovalDecision {
  const { id, digest } = requestOf(runId), who = { by: "ada", how: "person", token: "t", comment: "c" } as const;
  const signed = { key: "SHA256:k", signature: "s" };
  return { id, digest, state: "approved", decision: "approve", ...who, ...signed, decided: 8, ...change };
}

class Requests extends RunTables {
  /** A run waits at a gate. */
  ask(runId: string, change: Partial<NewApproval> = {}): NewApproval {
    this.create(runId);
    this.wait(runId, { kind: "gate", due: null, dueBoot: null });
    return this.insert(runId, change);
  }

  insert(runId: string, change: Partial<NewApproval> = {}): NewApproval {
    const request = requestOf(runId, change);
    this.take(insertApproval({ runId, workflow: "cleanup" }, request));
    return request;
  }

  /** The run moves on with its decision. */
  decide(runId: string, change: Partial<ApprovalDecision> = {}): number[] {
    const decision = decisionOf(runId, change), round = this.run(runId).rounds + 1;
    return this.take(settleWait(runId, round, { decision }), decideApproval(decision));
  }

  /** The runs of a page, after their total. */
  list(all: boolean, limit = 9, offset = 0, runId?: string): (number | string)[] {
    const query = { all, limit, offset, ...(runId === undefined ? {} : { runId }) };
    const { total, items } = listApprovals(this.statements, query);
    return [total, ...items.map((item) => item.runId)];
  }
}

const undecided = { decision: null, by: null, how: null, key: null, comment: null, decided: null, signature: null };

Deno.test("a request is read back as it was asked, pending and open, with and without its optional parts", () => {
  using tables = new Requests();
  const full = tables.ask("a", { expires: 90, onExpiry: "approve", approvers: ["ops", "ä"] });
  const plain = tables.ask("b");
  const about = (runId: string) => ({ runId, workflow: "cleanup", state: "pending", open: true, ...undecided });
  assert.deepEqual(readApproval(tables.statements, "a:ask::1"), { approval: { ...full, ...about("a") }, token: null });
  assert.deepEqual(readApproval(tables.statements, "b:ask::1")?.approval, { ...plain, ...about("b") });
  assert.equal(readApproval(tables.statements, "none"), null);
});

Deno.test("a request of an older nerve, which names no approvers at all, names nobody", () => {
  using tables = new Requests();
  const { approvers: _, ...older } = requestOf("a");
  tables.create("a");
  tables.wait("a", { kind: "gate" });
  tables.take(insertApproval({ runId: "a", workflow: "cleanup" }, older as NewApproval));
  assert.equal(readApproval(tables.statements, "a:ask::1")?.approval.approvers, null);
});

Deno.test("a decision is kept with who made it and how, and closes the request", () => {
  using tables = new Requests();
  const asked = tables.ask("a");
  assert.deepEqual(tables.decide("a"), [1, 1]);
  assert.deepEqual(readApproval(tables.statements, asked.id), {
    approval: {
      ...{ ...asked, runId: "a", workflow: "cleanup", open: false, state: "approved", decision: "approve", by: "ada" },
      ...{ how: "person", key: "SHA256:k", signature: "s", comment: "c", decided: 8 },
    },
    token: "t",
  });
});

Deno.test("a decision from before there were signatures is unsigned", () => {
  using tables = new Requests();
  tables.ask("a");
  const { key: _, signature: __, ...older } = decisionOf("a");
  tables.take(settleWait("a", 1, { decision: decisionOf("a") }), decideApproval(older as ApprovalDecision));
  const { key, signature } = readApproval(tables.statements, "a:ask::1")?.approval ?? assert.fail();
  assert.deepEqual([key, signature], [null, null]);
});

Deno.test("a decision counts only for what was shown, and only while the request is open", () => {
  using tables = new Requests();
  tables.ask("a");
  assert.deepEqual(tables.decide("a", { digest: "other" }), [0, 0]);
  assert.deepEqual(tables.decide("a", { id: "b:ask::1" }), [0, 0]);
  assert.equal(tables.run("a").status, "waiting");
  assert.throws(() => tables.take(decideApproval(decisionOf("a"))), /with the move of its run/);
  tables.decide("a");
  assert.throws(() => tables.take(decideApproval(decisionOf("a", { state: "rejected" }))), /decided once/);
});

Deno.test("a request about an agent is decided alone, once, while its run goes on", () => {
  using tables = new Requests();
  tables.create("a");
  tables.insert("a", { kind: "leave" });
  const { id } = requestOf("a"), other = decisionOf("a", { state: "rejected", decision: "reject" });
  assert.deepEqual(
    tables.take(decideAlone({ ...other, digest: "x" }), decideAlone(decisionOf("a")), decideAlone(other)),
    [
      ...[0, 1, 0],
    ],
  );
  assert.deepEqual([readApproval(tables.statements, id)?.approval.state, tables.run("a").status], [
    "approved",
    "started",
  ]);
});

Deno.test("nothing is asked about an agent of a run that has ended, has moved on, or is not there, and nothing fails", () => {
  // The bug was: an agent that asked when its run ended was reported as a log that cannot be written.
  using tables = new Requests();
  tables.create("a", "b");
  const ask = (runId: string, round = 1) =>
    tables.take(insertAlone({ runId, workflow: "cleanup" }, requestOf(runId, { kind: "leave", round })))[0];
  assert.deepEqual([ask("a", 2), ask("none")], [0, 0]);
  tables.end("b");
  assert.deepEqual([ask("b"), ask("a")], [0, 1]);
  assert.deepEqual(tables.list(false), [1, "a"]);
});

Deno.test("of a round the newest request of the run itself is found, not one about its agents", () => {
  using tables = new Requests();
  const { statements } = tables;
  tables.ask("a", { id: "first" });
  tables.decide("a", { id: "first", digest: "of a" });
  tables.wait("a", { kind: "gate" });
  tables.insert("a", { id: "second", round: 2 });
  tables.insert("a", { id: "agent", round: 2, kind: "leave", gate: "leave" });
  const at = (runId: string, round: number) => readApprovalAt(statements, runId, round)?.approval.id;
  assert.deepEqual([at("a", 1), at("a", 2), at("a", 3), at("b", 1)], ["first", "second", undefined, undefined]);
  const newest = (kind: string) => readNewestOf(statements, "a", kind)?.approval.id;
  assert.deepEqual([newest("gate"), newest("leave"), newest("session")], ["second", "agent", undefined]);
  assert.deepEqual(["ask", "leave", "none"].map((gate) => countApprovals(statements, "a", gate)), [2, 1, 0]);
  assert.equal(countApprovals(statements, "b", "ask"), 0);
});

Deno.test("of two requests in one round, as of a role that is tried again, the newer one is found", () => {
  using tables = new Requests();
  const recovery = { kind: "recovery", due: null, dueBoot: null } as const;
  tables.create("a");
  tables.wait("a", recovery);
  tables.insert("a", { id: "first", kind: "recovery" });
  tables.move("a", { status: "started", attempt: 2 });
  assert.deepEqual(tables.take(decideApproval(decisionOf("a", { id: "first", decision: "retry" }))), [1]);
  tables.wait("a", recovery);
  tables.insert("a", { id: "second", kind: "recovery" });
  assert.equal(readApprovalAt(tables.statements, "a", 1)?.approval.id, "second");
});

Deno.test("open requests about agents are listed oldest first, and no others", () => {
  using tables = new Requests();
  tables.ask("gate");
  tables.create("b", "a");
  for (const id of ["b", "a"]) tables.insert(id, { kind: "budget" });
  assert.deepEqual(listAgentRequests(tables.statements).map(({ runId }) => runId), ["b", "a"]);
  tables.take(decideAlone(decisionOf("b")));
  assert.deepEqual(listAgentRequests(tables.statements).map(({ runId }) => runId), ["a"]);
});

Deno.test("open requests come oldest first, all of them newest first, in pages that know the total", () => {
  using tables = new Requests();
  for (const id of ["a", "b", "c"]) tables.ask(id);
  tables.decide("b");
  assert.deepEqual([tables.list(false), tables.list(true)], [[2, "a", "c"], [3, "c", "b", "a"]]);
  assert.deepEqual([tables.list(true, 1, 1), tables.list(true, 0), tables.list(true, 9, 9)], [[3, "b"], [3], [3]]);
  assert.deepEqual([tables.list(true, 9, 0, "b"), tables.list(false, 9, 0, "b"), tables.list(true, 9, 0, "")], [
    ...[[1, "b"], [0], [0]],
  ]);
});

Deno.test("a run that ends closes its request, which nobody has decided", () => {
  using tables = new Requests();
  tables.ask("a");
  tables.end("a");
  const { state, open } = readApproval(tables.statements, "a:ask::1")?.approval ?? assert.fail();
  assert.deepEqual([state, open, tables.list(false), tables.list(true)], ["pending", false, [0], [1, "a"]]);
});

Deno.test("what is open is counted, with the time of the oldest, and what nobody decided in time since then", () => {
  using tables = new Requests();
  const { statements } = tables;
  assert.deepEqual(countOpen(statements, 0), { open: 0, oldest: null, expired: 0 });
  for (const [id, created] of [["a", 7], ["b", 5], ["c", 6]] as const) tables.ask(id, { created });
  assert.deepEqual(countOpen(statements, 0), { open: 3, oldest: 7, expired: 0 });
  tables.decide("a", { state: "expired", how: "expiry", decided: 20 });
  tables.decide("b", { decided: 30 });
  assert.deepEqual([20, 21].map((since) => countOpen(statements, since)), [
    { open: 1, oldest: 6, expired: 1 },
    { open: 1, oldest: 6, expired: 0 },
  ]);
});

Deno.test("a table from before there were signatures is read as one without", () => {
  using db = openDatabase(":memory:");
  const first = logMigrations.findIndex((sql) => sql.includes("alter table approvals add column signature"));
  migrate(db, logMigrations.slice(0, first), "the log of before");
  db.exec(`insert into workflow_runs (run_id, workflow, status, attempt, rounds, max_rounds, prompt, payload, trigger,
    queued_at) values ('a', 'w', 'started', 1, 0, 9, '', '{}', '{}', 1)`);
  db.exec("update workflow_runs set status = 'waiting'");
  db.exec(
    `insert into approvals (id, run_id, workflow, round, role, gate_key, kind, title, body, options, digest, state,
    open, created) values ('a:ask::1', 'a', 'w', 1, 'ask', 'ask', 'gate', 'Go?', 'b', '["ok"]', 'd', 'pending', 1, 3)`,
  );
  const older = withoutSignatures(new StatementCache(db)), stored = readApproval(older, "a:ask::1") ?? assert.fail();
  const { title, options, approvers, key, signature } = stored.approval;
  assert.deepEqual([title, options, approvers, key, signature], ["Go?", ["ok"], null, null, null]);
  assert.equal(listApprovals(older, { all: false, limit: 9, offset: 0 }).total, 1);
  assert.deepEqual(countOpen(older, 0), { open: 1, oldest: 3, expired: 0 });
});
