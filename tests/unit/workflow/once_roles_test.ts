/**
 * Roles that run once: on disk before they begin, never repeated automatically, and decided by a person when their end
 * is unknown. The bug would be: a payment that is made twice, or one that no one is asked about.
 */
import assert from "node:assert/strict";
import type { DecisionRequest } from "../../../src/protocol/approval.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { MemoryRunStore } from "../../support/memory_run_store.ts";
import { Bench, running } from "../../support/workflow_bench.ts";

const first = "a:charge:recovery:1", second = "a:charge:recovery:2";

/** A run "a" whose first role runs once and works. */
async function charging(): Promise<Bench> {
  const bench = await running("a");
  await bench.askToBegin("a");
  assert.deepEqual(bench.at("a").thread.begun, [1]);
  return bench;
}

/** Waits until the run waits or has ended: digests are computed off the thread. */
async function settle(bench: Bench): Promise<Bench> {
  await bench.clock.until(() => bench.status("a") !== "started", "the run asks");
  return bench;
}

/** The same after its process has died. */
async function inDoubt(): Promise<Bench> {
  const bench = await charging();
  await bench.die(bench.at("a").process, "outside");
  return await settle(bench);
}

function decide(bench: Bench, option: string, more: Partial<DecisionRequest> = {}, id = first) {
  const digest = bench.store.readApproval(id)?.approval.digest ?? "";
  return bench.manager.decide(id, { option, digest, token: "t1", by: "ada", ...more });
}

Deno.test("a role that runs once begins when that is on disk, and its message ends the doubt", async () => {
  const bench = new Bench({}, new MemoryRunStore(false));
  void bench.start("a");
  await bench.turn();
  bench.store.commit();
  await bench.turn();
  await bench.askToBegin("a");
  assert.deepEqual(bench.at("a").thread.begun, [], "not before the commit");
  bench.store.commit();
  await bench.turn();
  assert.deepEqual(bench.at("a").thread.begun, [1]);
  assert.deepEqual(bench.store.disk.begun.get("a"), { attempt: 1, round: 1, role: "charge", at: bench.clock.now() });
  await bench.sendMessage("a");
  bench.store.commit();
  await bench.turn();
  assert.deepEqual([bench.rows("a"), bench.store.disk.begun.size], [
    ["run.started", "run.role_begun", "run.message"],
    0,
  ]);
  await bench.die(bench.at("a").process);
  bench.store.commit();
  await bench.turn();
  assert.equal(bench.at("a").thread.attempt, 2, "after its message the run goes on as any other");
});

Deno.test("a role that cannot be written as begun does not begin, and begins when the disk allows", async () => {
  const bench = await running("a");
  bench.store.failures = 2;
  await bench.askToBegin("a");
  assert.deepEqual([bench.at("a").thread.begun, bench.problems.length], [[], 1]);
  await bench.clock.tick(60_000);
  assert.deepEqual(bench.at("a").thread.begun, [1]);
  assert.equal(bench.rows("a").filter((type) => type === "run.role_begun").length, 1);
});

Deno.test("its process dies: the run is given to no process, and asks a person", async () => {
  const bench = await inDoubt();
  assert.deepEqual([bench.status("a"), bench.working()], ["waiting", []]);
  const { title, body, kind, options, gate, round, expires } = bench.store.readApproval(first)?.approval ??
    assert.fail();
  assert.deepEqual([kind, options, gate, round, expires], ["recovery", ["retry", "done", "fail"], "charge", 1, null]);
  assert.equal(title, "Role charge began, and its end is unknown: run it again?");
  assert.match(body, /what happened: was killed from outside \(SIGKILL\)\n- its idempotency key: `a:1`/);
  assert.equal(bench.run("a").reason, `role charge waits for a decision: ${title}`);
  const rows = ["run.started", "run.role_begun", "run.waiting", "approval.requested"];
  assert.deepEqual(bench.rows("a"), rows);
  await bench.clock.tick(86_400_000);
  assert.equal(bench.status("a"), "waiting");
});

Deno.test("retry: the role runs again in the next attempt, and asks anew when it is in doubt again", async () => {
  const bench = await inDoubt();
  const reply = await decide(bench, "retry", { comment: "nothing was booked" });
  assert.deepEqual([reply.replayed, reply.approval.state, reply.approval.decision], [false, "decided", "retry"]);
  await bench.turn();
  const { thread } = bench.at("a");
  assert.deepEqual([thread.attempt, thread.messages, thread.failures], [2, [], 0]);
  assert.deepEqual(bench.rows("a").slice(-2), ["run.resumed", "approval.decided"]);
  assert.deepEqual(
    await decide(bench, "retry"),
    { ...reply, replayed: true },
    "the same decision again changes nothing",
  );
  assert.equal(bench.run("a").attempt, 2);
  await bench.askToBegin("a");
  assert.deepEqual(thread.begun, [1]);
  await bench.die(bench.at("a").process);
  await settle(bench);
  assert.equal(bench.store.readApprovalAt("a", 1)?.approval.id, second);
  await assert.rejects(decide(bench, "fail"), { code: "APPROVAL_DECIDED" });
  await decide(bench, "retry", {}, second);
  await bench.turn();
  await bench.sendMessage("a");
  await bench.finish("a");
  assert.equal(bench.status("a"), "completed");
});

Deno.test("done: the person's content and meta are the message of the role", async () => {
  const bench = await inDoubt();
  await assert.rejects(decide(bench, "done"), { code: "PAYLOAD_INVALID", hint: /--content TEXT --meta JSON/ });
  await decide(bench, "done", { content: "charged 5", meta: { id: "ch_1" } });
  await bench.turn();
  const { thread } = bench.at("a"), ts = bench.clock.now();
  assert.deepEqual(thread.messages, [{ round: 1, role: "charge", content: "charged 5", meta: { id: "ch_1" }, ts }]);
  assert.deepEqual([thread.attempt, bench.store.disk.begun.size], [2, 0]);
  assert.deepEqual(bench.rows("a").slice(-2), ["run.message", "approval.decided"]);
});

Deno.test("fail: the run ends as failed, and says who decided", async () => {
  const bench = await inDoubt(), ended = bench.manager.waitForEnd("a");
  const { replayed } = await decide(bench, "fail", { comment: "booked by hand" });
  assert.equal(replayed, false);
  const { status, exitCode, reason } = await ended;
  assert.deepEqual([status, exitCode], ["failed", 1]);
  assert.equal(reason, "role charge began in round 1, and its end is unknown: fail by ada: booked by hand");
  assert.equal(bench.store.readApproval(first)?.approval.open, false);
  assert.deepEqual(bench.manager.readLoads()[0], {
    ...{ workflow: "w", active: 0, unassigned: 0, queued: 0, waiting: 0, paused: 0 },
  });
});

Deno.test("content and meta belong to done, and to nothing else", async () => {
  const bench = await inDoubt();
  for (const option of ["retry", "fail"]) {
    await assert.rejects(decide(bench, option, { content: "x" }), { code: "PAYLOAD_INVALID" });
  }
  const meta = { big: "x".repeat(300_000) };
  await assert.rejects(decide(bench, "done", { content: "x", meta }), { code: "PAYLOAD_INVALID", message: /^meta / });
  assert.equal(bench.status("a"), "waiting");
});

Deno.test("a role that failed, or ran out of its time, asks too: what it has done is unknown", async () => {
  const bench = await charging();
  await bench.fail("a", null, { attempts: 1 });
  await settle(bench);
  assert.deepEqual([bench.status("a"), bench.failures], ["waiting", ["a: role r failed in round 1: thrown"]]);
  const { title, body } = bench.store.readApproval(first)?.approval ?? assert.fail();
  assert.equal(title, "Role charge failed, and how far it came is unknown: run it again?");
  assert.match(body, /what happened: thrown/);
  await decide(bench, "retry");
  await bench.turn();
  assert.equal(bench.at("a").thread.failures, 0, "its failure is over");
  await bench.askToBegin("a");
  await bench.begin("a", 500, null);
  await bench.clock.tick(500 + 5_000);
  assert.match(bench.at("a").process.recycled ?? "", /timed out/);
  await settle(bench);
  assert.match(bench.store.readApproval(second)?.approval.body ?? "", /timed out after 500ms and did not stop/);
});

Deno.test("a failure of a role that runs once is not retried, whatever its process says", async () => {
  const bench = await charging();
  await bench.fail("a", 0);
  await settle(bench);
  assert.equal(bench.status("a"), "waiting");
});

Deno.test("the daemon dies: the next one asks, also when the death came right after the commit", async () => {
  const bench = await charging();
  const next = await settle(new Bench({}, bench.store.afterCrash(), new FakeClock(bench.clock.now() + 9)));
  assert.deepEqual(next.working(), []);
  assert.match(next.store.readApproval(first)?.approval.body ?? "", /what happened: the daemon was down/);
  const later = new Bench({}, next.store.afterCrash());
  await decide(later, "retry");
  await later.turn();
  assert.equal(later.at("a").thread.attempt, 2);
  const again = new Bench({}, later.store.afterCrash());
  await again.turn();
  assert.deepEqual([again.status("a"), again.at("a").thread.attempt], ["started", 3], "it was not begun since");
});

Deno.test("a failure that is on disk is what the next daemon tells, and is over after the decision", async () => {
  const bench = await charging();
  await bench.fail("a", null);
  const next = await settle(new Bench({}, bench.store.afterCrash()));
  assert.match(next.store.readApproval(first)?.approval.body ?? "", /what happened: thrown/);
  await decide(next, "retry");
  const later = new Bench({}, next.store.afterCrash());
  await later.turn();
  assert.equal(later.at("a").thread.failures, 0);
});

Deno.test("a pause aborts it: the run asks when it is resumed, and is decided then", async () => {
  const bench = await charging();
  await bench.manager.pauseRun("a", null);
  await bench.fail("a", null);
  await bench.manager.resumeRun("a");
  await settle(bench);
  assert.match(bench.store.readApproval(first)?.approval.body ?? "", /the run was paused, and the role aborted/);
  await bench.manager.pauseRun("a", null);
  await assert.rejects(decide(bench, "retry"), { code: "RUN_PAUSED" });
  await bench.manager.resumeRun("a");
  await decide(bench, "done", { content: "c" });
  await bench.turn();
  assert.equal(bench.at("a").thread.messages.length, 1);
});

Deno.test("a stop begins none, and one that was running then asks at the next start", async () => {
  const bench = await running("a"), stopping = bench.manager.stop();
  await bench.askToBegin("a");
  await stopping;
  assert.deepEqual([bench.rows("a"), bench.host.processes[0]?.threads.get("a")?.aborted], [
    ["run.started"],
    "the daemon stopped",
  ]);
  const next = new Bench({}, bench.store.afterCrash());
  await next.turn();
  await next.askToBegin("a");
  assert.deepEqual(next.at("a").thread.begun, [1]);
  await next.manager.stop(0);
  assert.equal((await settle(new Bench({}, next.store.afterCrash()))).status("a"), "waiting");
});

Deno.test("new code ends no doubt, a kill does, and so does the removal of its workflow", async () => {
  const bench = await inDoubt();
  bench.replaceCode();
  await bench.turn();
  assert.deepEqual([bench.status("a"), bench.working()], ["waiting", []]);
  await bench.manager.killRun("a", null);
  assert.deepEqual([bench.status("a"), bench.store.disk.begun.size], ["killed", 0]);
  await assert.rejects(decide(bench, "retry"), { code: "RUN_ENDED" });
  const other = await inDoubt();
  other.manager.configure([]);
  await other.turn();
  assert.equal(other.status("a"), "interrupted");
});

Deno.test("who does not have the run, or asks twice, begins nothing", async () => {
  const bench = await charging(), { process } = bench.at("a");
  const asks = (attempt: number, round: number) =>
    bench.manager.onMessage(process, { t: "may_begin", runId: "a", attempt, round, role: "charge" });
  for (const [attempt, round] of [[1, 1], [2, 1], [1, 2]] as const) asks(attempt, round);
  await bench.turn();
  assert.deepEqual(bench.logged.map(({ type }) => type), Array(3).fill("run.refused"));
  assert.deepEqual([bench.at("a").thread.begun, bench.rows("a")], [[1], ["run.started", "run.role_begun"]]);
});

Deno.test("a death or a kill while its beginning is being written: it does not begin", async () => {
  for (const kind of ["kill", "die"] as const) {
    const bench = new Bench({}, new MemoryRunStore(false)),
      commit = async () => {
        bench.store.commit();
        await bench.turn();
      };
    void bench.start("a");
    await commit();
    await bench.askToBegin("a");
    const { process, thread } = bench.at("a");
    // Both are in one commit.
    if (kind === "kill") void bench.manager.killRun("a", null);
    else await bench.die(process);
    for (let turns = 0; bench.status("a") === "started"; turns++) {
      assert.ok(turns < 10_000, kind);
      await commit();
    }
    assert.equal(bench.status("a"), kind === "kill" ? "killed" : "waiting");
    assert.deepEqual(thread.begun, [], kind);
  }
});
