/** Gates: one decision, with its message and the move of its run, no matter who decides and what dies. */
import assert from "node:assert/strict";
import type { DecisionRequest } from "../../../src/protocol/approval.ts";
import type { AskedGate } from "../../../src/workflow/local/gates.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { MemoryRunStore } from "../../support/memory_run_store.ts";
import { Bench, running } from "../../support/workflow_bench.ts";

const asked: AskedGate = {
  kind: "gate",
  title: "Remove 3 images?",
  body: "- a\n- b",
  options: ["approve", "reject", "later"],
  expiresMs: null,
  onExpiry: null,
  approvers: null,
};
const id = "a:ask::1";

/** Waits until the run waits or has ended: its digest is computed off the thread. */
async function settle(bench: Bench): Promise<void> {
  await bench.clock.until(() => bench.status("a") !== "started", "the run comes to its gate");
}

/** A run "a" that has one message and then waits at a gate. */
async function atGate(more: Partial<AskedGate> = {}, bench: Bench | null = null): Promise<Bench> {
  const made = bench ?? await running("a");
  await made.sendMessage("a", { content: "3 unused" });
  await made.wait("a", { ...asked, ...more }, { role: "ask" });
  await settle(made);
  return made;
}

function decide(bench: Bench, more: Partial<DecisionRequest> = {}, of = id) {
  const digest = bench.store.readApproval(of)?.approval.digest ?? "";
  return bench.manager.decide(of, { option: "approve", digest, token: "t1", by: "ada", ...more });
}

Deno.test("a run at a gate waits in no process, and its request says what is asked", async () => {
  const bench = await atGate();
  assert.deepEqual([bench.status("a"), bench.working()], ["waiting", []]);
  assert.equal(bench.run("a").reason, "role ask waits for a decision: Remove 3 images?");
  assert.deepEqual(bench.rows("a"), ["run.started", "run.message", "run.waiting", "approval.requested"]);
  const { digest, ...approval } = bench.store.disk.approvals.get(id)?.approval ?? assert.fail();
  assert.match(digest, /^[0-9a-f]{64}$/);
  const { kind: _, expiresMs: _ms, ...shown } = asked;
  assert.deepEqual(approval, {
    ...shown,
    ...{
      id,
      runId: "a",
      workflow: "w",
      round: 2,
      role: "ask",
      gate: "ask",
      kind: "gate",
      state: "pending",
      open: true,
    },
    ...{ created: bench.clock.now(), expires: null, decision: null, by: null, how: null, comment: null, decided: null },
    ...{ key: null, signature: null },
  });
});

Deno.test("a decision is one message, and the run goes on with it", async () => {
  const bench = await atGate(), { digest } = bench.store.readApproval(id)?.approval ?? assert.fail();
  await bench.clock.tick(5_000);
  const reply = await decide(bench, { comment: "go" });
  assert.deepEqual([reply.replayed, reply.approval.state, reply.approval.open], [false, "approved", false]);
  await bench.turn();
  const { thread } = bench.at("a"), at = bench.clock.now();
  const meta = { decision: "approve", by: "ada", at, how: "person", digest, comment: "go" };
  const content = "approve (by ada): go";
  assert.deepEqual(thread.messages.at(-1), { round: 2, role: "ask", content, meta, ts: at });
  assert.deepEqual(bench.rows("a").slice(-2), ["run.message", "approval.decided"]);
  assert.deepEqual([bench.status("a"), bench.run("a").reason, thread.attempt], ["started", null, 2]);
});

Deno.test("the states of a request follow from the option; a comment and a name may be missing", async () => {
  for (const [option, state] of [["approve", "approved"], ["reject", "rejected"], ["later", "decided"]] as const) {
    const bench = await atGate(), digest = bench.store.readApproval(id)?.approval.digest ?? "";
    const { approval } = await bench.manager.decide(id, { option, digest, token: "t" });
    assert.deepEqual([approval.state, approval.decision, approval.by, approval.comment], [state, option, null, null]);
    await bench.turn();
    assert.equal(bench.at("a").thread.messages.at(-1)?.content, option);
  }
});

Deno.test("the same decision again is the same answer, and changes nothing", async () => {
  const bench = await atGate();
  const first = await decide(bench), rows = bench.store.disk.rows.length;
  for (const same of [{}, { token: "t2" }, { by: "someone" }]) {
    assert.deepEqual(await decide(bench, same), { replayed: true, approval: first.approval });
  }
  assert.equal(bench.store.disk.rows.length, rows);
});

Deno.test("another decision of a decided request is a conflict that tells the decision, and is logged", async () => {
  const bench = await atGate();
  await decide(bench);
  for (const other of [{ option: "reject" }, { option: "reject", token: "t2" }, { token: "t2", by: "bob" }]) {
    const message = /^request a:ask::1 was decided: approve by ada at 2026-01-01T/;
    await assert.rejects(decide(bench, other), { code: "APPROVAL_DECIDED", message });
  }
  assert.deepEqual(bench.logged.map(({ type, refId }) => [type, refId]), Array(3).fill(["approval.refused", "a"]));
});

Deno.test("a decision about something else, with another option, or of no request, is refused", async () => {
  const bench = await atGate();
  await assert.rejects(decide(bench, { digest: "0".repeat(64) }), { code: "APPROVAL_STALE" });
  assert.deepEqual(bench.logged.map(({ type }) => type), ["approval.refused"]);
  await assert.rejects(decide(bench, { option: "maybe" }), {
    code: "PAYLOAD_INVALID",
    hint: "there are: approve, reject, later",
  });
  await assert.rejects(decide(bench, {}, "b:ask::1"), { code: "APPROVAL_UNKNOWN" });
  assert.equal(bench.status("a"), "waiting");
});

Deno.test("the digest differs for other texts, options, messages and code", async () => {
  const digests = new Set<string>();
  const take = async (more: Partial<AskedGate>, content = "3 unused", code = "v1") => {
    const bench = await running("a");
    bench.host.code = code;
    await bench.sendMessage("a", { content });
    await bench.wait("a", { ...asked, ...more }, { role: "ask" });
    await settle(bench);
    digests.add(bench.store.readApproval(id)?.approval.digest ?? "");
  };
  await take({});
  await take({});
  assert.equal(digests.size, 1, "the same request has the same digest");
  await take({ title: "Remove 4 images?" });
  await take({ body: "" });
  await take({ options: ["approve"] });
  await take({}, "4 unused");
  await take({}, "3 unused", "v2");
  assert.equal(digests.size, 6);
});

Deno.test("two who decide at once: one decides, the other is told", async () => {
  const bench = await atGate({}, await running("a"));
  const both = await Promise.allSettled([decide(bench), decide(bench, { option: "reject", token: "t2", by: "bob" })]);
  assert.deepEqual(both.map(({ status }) => status), ["fulfilled", "rejected"]);
  assert.equal(both[1]?.status === "rejected" && both[1].reason.code, "APPROVAL_DECIDED");
  assert.equal(bench.rows("a").filter((type) => type === "approval.decided").length, 1);
  assert.equal(bench.run("a").rounds, 2);
});

Deno.test("a request that nobody decides in time is decided by its expiry, and nobody after that", async () => {
  const bench = await atGate({ expiresMs: 60_000, onExpiry: "reject" });
  await bench.clock.tick(59_999);
  assert.equal(bench.status("a"), "waiting");
  await bench.clock.tick(1);
  const { meta, content } = bench.at("a").thread.messages.at(-1) ?? assert.fail();
  assert.deepEqual([meta.decision, meta.how, meta.by], ["reject", "expiry", null]);
  assert.equal(content, "reject (nobody decided in time)");
  assert.equal(bench.store.readApproval(id)?.approval.state, "expired");
  await assert.rejects(decide(bench, { option: "reject" }), { code: "APPROVAL_DECIDED", message: /nobody decided in/ });
});

Deno.test("a request that was stored with a time and without an option for it is rejected in time", async () => {
  // The bug was: a process could request this; then the kernel died when the time was over, and again at each start.
  const bench = await atGate({ expiresMs: 60_000 });
  await bench.clock.tick(60_000);
  const { meta } = bench.at("a").thread.messages.at(-1) ?? assert.fail();
  assert.deepEqual([meta.decision, meta.how], ["reject", "expiry"]);
});

Deno.test("a decision and the expiry at once: whoever is first decides, once", async () => {
  for (const decidesFirst of [true, false]) {
    const bench = await atGate({ expiresMs: 60_000, onExpiry: "reject" });
    const early = decidesFirst ? decide(bench) : null;
    await bench.clock.tick(60_000);
    const late = await (early ?? decide(bench)).then(() => "decided", (thrown) => thrown.code);
    assert.equal(late, decidesFirst ? "decided" : "APPROVAL_DECIDED");
    assert.equal(bench.rows("a").filter((type) => type === "approval.decided").length, 1);
  }
});

Deno.test("an expiry outlives restarts, and a clock that is set back makes it no later", async () => {
  const bench = await atGate({ expiresMs: 60_000, onExpiry: "reject" });
  await bench.clock.tick(20_000);
  bench.clock.jump(-86_400_000);
  await bench.manager.stop(0);
  const next = new Bench({}, bench.store.afterCrash(), bench.clock);
  await next.clock.tick(39_999);
  assert.equal(next.status("a"), "waiting");
  await next.clock.tick(1);
  assert.equal(next.at("a").thread.messages.at(-1)?.meta.how, "expiry");
});

Deno.test("a decision after the death of the daemon: the request is still there, and its run goes on", async () => {
  const bench = await atGate(), next = new Bench({}, bench.store.afterCrash(), new FakeClock(bench.clock.now() + 9));
  await decide(next);
  await next.turn();
  assert.deepEqual([next.at("a").thread.messages.length, next.run("a").attempt], [2, 2]);
});

Deno.test("a decision that died before its commit never was; one that died after it is replayed", async () => {
  const { disk } = (await atGate()).store, bench = new Bench({}, new MemoryRunStore(false, disk));
  // It never settles, because its daemon dies.
  void decide(bench);
  await bench.turn();
  assert.equal(bench.store.uncommitted, 1);
  const next = new Bench({}, new MemoryRunStore(true, bench.store.disk));
  assert.deepEqual([next.status("a"), next.store.readApproval(id)?.approval.state], ["waiting", "pending"]);
  assert.equal((await decide(next)).replayed, false);
  const later = new Bench({}, next.store.afterCrash());
  assert.deepEqual([later.status("a"), later.run("a").rounds], ["started", 2]);
  assert.equal((await decide(later)).replayed, true);
});

Deno.test("a decision that cannot be written fails at once and can be repeated", async () => {
  const bench = await atGate();
  bench.store.failures = 1;
  await assert.rejects(decide(bench), { code: "STORE_FAILED" });
  assert.equal(bench.status("a"), "waiting");
  assert.equal((await decide(bench)).replayed, false);
});

Deno.test("a request of a run that was killed is refused, and one whose run is being killed too", async () => {
  const bench = await atGate();
  await bench.manager.killRun("a", null);
  await assert.rejects(decide(bench), { code: "RUN_ENDED" });
  assert.deepEqual(bench.store.readApproval(id)?.approval.open, false);
  const other = await atGate();
  other.store.failures = 1_000;
  await assert.rejects(other.manager.killRun("a", null), { code: "STORE_FAILED" });
  await assert.rejects(decide(other), { code: "RUN_ENDED" });
});

Deno.test("a run may come to its gate again: each time it is another request", async () => {
  const bench = await atGate();
  await decide(bench);
  await bench.turn();
  await bench.wait("a", asked, { role: "ask" });
  await settle(bench);
  assert.deepEqual([...bench.store.disk.approvals.keys()], ["a:ask::1", "a:ask::2"]);
  assert.equal((await decide(bench, {}, "a:ask::2")).replayed, false);
});

Deno.test("a kill while the request is made ends the run, and nothing is asked", async () => {
  const bench = await running("a");
  const waits = bench.wait("a", asked, { role: "ask" });
  await bench.manager.killRun("a", null);
  await waits;
  await settle(bench);
  assert.deepEqual([bench.status("a"), bench.store.disk.approvals.size], ["killed", 0]);
});
