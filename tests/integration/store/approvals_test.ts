/** Requests on disk: decided once, only with the move of their run, and listed without reading all of them. */
import assert from "node:assert/strict";
import type { ApprovalDecision, NewApproval } from "../../../src/protocol/approval.ts";
import type { RunWait } from "../../../src/protocol/run_wait.ts";
import { StoreReader } from "../../../src/store/log/reader.ts";
import { logMigrations } from "../../../src/store/log/schema.ts";
import type { SqliteRunStore } from "../../../src/store/runs/run_store.ts";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { newRun, runRow, withStore } from "../../support/store_bench.ts";

const refOf = (runId: string) => ({ runId, workflow: "cleanup", attempt: 1, causeId: null });
const wait: RunWait = {
  round: 1,
  role: "ask",
  kind: "gate",
  since: { wall: 3, boot: null },
  due: null,
  dueBoot: null,
  event: null,
};
const message = { round: 1, role: "ask", content: "approve", meta: {}, ts: 5 };

function requestOf(runId: string): NewApproval {
  const texts = { title: `Go ${runId}?`, body: "- a", options: ["approve", "reject"], digest: `digest ${runId}` };
  const id = `${runId}:ask::1`;
  const rest = { created: 3, expires: null, onExpiry: null, approvers: ["ops"] };
  return { id, round: 1, role: "ask", gate: "ask", kind: "gate", ...texts, ...rest };
}

function decisionOf(runId: string, more: Partial<ApprovalDecision> = {}): ApprovalDecision {
  const { id, digest } = requestOf(runId), signed = { key: "SHA256:k", signature: "s" };
  const who = { by: "ada", how: "person", token: "t", comment: "c", ...signed } as const;
  return { id, digest, state: "approved", decision: "approve", ...who, decided: 8, ...more };
}

async function ask(runs: SqliteRunStore, runId: string): Promise<void> {
  await runs.create(newRun(runId), runRow(runId));
  assert.ok(await runs.beginWait(refOf(runId), wait, "asks", requestOf(runId)));
}

Deno.test("a request, its wait and their rows are one commit, and so are a decision, its message and the move", () =>
  withStore(async ({ store }) => {
    await ask(store.runs, "a");
    assert.equal(store.reader.approval("a:ask::1")?.state, "pending");
    assert.equal(store.runs.countApprovals("a", "ask"), 1);
    assert.equal(
      await store.runs.settleWait(refOf("a"), message, { decision: decisionOf("a", { digest: "other" }) }),
      false,
    );
    const both = [decisionOf("a"), decisionOf("a", { state: "rejected", decision: "reject" })];
    const written = await Promise.all(
      both.map((each) => store.runs.settleWait(refOf("a"), message, { decision: each })),
    );
    assert.deepEqual(written, [true, false]);
    const { approval, token } = store.runs.readApproval("a:ask::1") ?? assert.fail();
    const { by, how, comment, decided, decision, state, open, approvers, key, signature } = approval;
    assert.deepEqual([by, how, comment, decided, decision, state, open, token, approvers, key, signature], [
      ...["ada", "person", "c", 8, "approve", "approved", false, "t", ["ops"], "SHA256:k", "s"],
    ]);
    assert.deepEqual(store.reader.approvalAt("a", 1), approval);
    assert.deepEqual([store.runs.get("a")?.status, store.runs.get("a")?.rounds], ["started", 1]);
    const rows = store.reader.logs({ refId: "a" }).map(({ type }) => type);
    assert.deepEqual(rows, ["run.started", "run.waiting", "approval.requested", "run.message", "approval.decided"]);
  }));

Deno.test("the database refuses a request of a run that does not wait, and a decision without the move of its run", () =>
  withStore(async ({ store, path }) => {
    using db = openDatabase(path);
    await ask(store.runs, "a");
    const copy = (set: string) => db.exec(`insert into approvals select ${set} from approvals where id = 'a:ask::1'`);
    const rest = "gate_key, kind, title, body, options, digest";
    const columns = (runId: string, state: string) =>
      `null, '${runId}:x', '${runId}', workflow, 1, role, ${rest}, ${state}, 1, created, expires, on_expiry, decision,` +
      " by, how, token, comment, decided, approvers, signed_by, signature";
    await store.runs.create(newRun("b"), runRow("b"));
    assert.throws(() => copy(columns("b", "state")), /begins as pending, of a run that waits/);
    assert.throws(() => copy(columns("a", "'approved'")), /begins as pending/);
    const change = (set: string) => db.exec(`update approvals set ${set} where id = 'a:ask::1'`);
    assert.throws(() => change("state = 'approved', open = 0"), /decided once, with the move of its run/);
    assert.throws(() => change("title = 'x', open = 0"), /never changes/);
    assert.throws(() => change("open = 1"), /decided once/);
    assert.ok(await store.runs.settleWait(refOf("a"), message, { decision: decisionOf("a") }));
    for (const set of ["state = 'rejected'", "decision = 'reject'", "open = 1"]) {
      assert.throws(() => change(set), /decided once/, set);
    }
  }));

Deno.test("the request of a run that ends is closed, and stays pending", () =>
  withStore(async ({ store }) => {
    await ask(store.runs, "a");
    const end = { status: "killed", exitCode: 137, endedAt: 9 } as const;
    assert.ok(await store.runs.transition("a", { from: ["waiting"] }, end, runRow("a", { type: "run.killed" })));
    const { approval } = store.runs.readApproval("a:ask::1") ?? assert.fail();
    assert.deepEqual([approval.state, approval.open], ["pending", false]);
    assert.equal(await store.runs.settleWait(refOf("a"), message, { decision: decisionOf("a") }), false);
  }));

Deno.test("open requests are listed oldest first, all of them newest first, in pages with a total", () =>
  withStore(async ({ store }) => {
    for (const id of ["a", "b", "c", "d"]) await ask(store.runs, id);
    await store.runs.settleWait(refOf("b"), message, { decision: decisionOf("b") });
    const list = (all: boolean, limit = 9, offset = 0, runId?: string) => {
      const page = store.reader.approvals({ all, limit, offset, ...(runId === undefined ? {} : { runId }) });
      return [page.total, ...page.items.map((each) => each.runId)];
    };
    assert.deepEqual(list(false), [3, "a", "c", "d"]);
    assert.deepEqual(list(true), [4, "d", "c", "b", "a"]);
    assert.deepEqual(list(true, 2, 1), [4, "c", "b"]);
    assert.deepEqual(list(true, 9, 0, "b"), [1, "b"]);
    assert.deepEqual(list(false, 9, 0, "b"), [0]);
    assert.equal(
      Object.hasOwn(store.reader.approvals({ all: true, limit: 1, offset: 0 }).items[0] ?? {}, "body"),
      false,
    );
    assert.deepEqual(store.reader.countApprovals(0), { open: 3, oldest: 3, expired: 0 });
  }));

Deno.test("the requests of a database that a former version has made are read as they were", () =>
  withStore(async ({ store, path }) => {
    await ask(store.runs, "a");
    {
      using db = openDatabase(path);
      const first = logMigrations.findIndex((sql) => sql.includes("alter table approvals add column signature"));
      db.exec("drop trigger approvals_identity");
      for (const column of ["approvers", "signed_by", "signature"]) {
        db.exec(`alter table approvals drop column ${column}`);
      }
      db.exec(`pragma user_version = ${first}`);
    }
    const reader = StoreReader.open(path) ?? assert.fail();
    try {
      const approval = reader.approval("a:ask::1");
      assert.deepEqual(approval, reader.approvalAt("a", 1));
      assert.deepEqual([approval?.title, approval?.approvers, approval?.key], ["Go a?", null, null]);
      assert.equal(reader.approvals({ all: false, limit: 9, offset: 0 }).total, 1);
      assert.equal(reader.countApprovals(0).open, 1);
    } finally {
      reader.close();
    }
  }));
