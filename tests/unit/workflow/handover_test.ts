/**
 * Runs that a distributed engine hands over: their changes come to the store, and the manager takes them up from there.
 * Danger: a run works at two places, or a daemon writes about one that it has given up.
 */
import assert from "node:assert/strict";
import { readMoment } from "../../../src/base/moment.ts";
import type { RoleFailure, Run } from "../../../src/protocol/run.ts";
import { MemoryRunStore } from "../../support/memory_run_store.ts";
import { newRun, runRow, sleepOf } from "../../support/store_bench.ts";
import { Bench, running } from "../../support/workflow_bench.ts";

const hourMs = 3_600_000;
const of = (runId: string) => ({ runId, workflow: "w", attempt: 1, causeId: null });

/** The store learns of a run that went on elsewhere; the manager does not know of it. */
async function learn(bench: Bench, runId: string, change: Partial<Run> = {}): Promise<void> {
  const { clock, store } = bench, times = { queuedAt: clock.now(), startedAt: clock.now() };
  await store.create(newRun(runId, { workflow: "w", ...times, ...change }), runRow(runId));
}

async function adopt(bench: Bench, runId: string): Promise<void> {
  await bench.manager.handover.adopt(runId);
  await bench.turn();
}

const loadOf = (bench: Bench) => bench.manager.readLoads()[0] ?? assert.fail();

Deno.test("a started run goes on in its next attempt, from the messages that are stored", async () => {
  const bench = new Bench();
  await learn(bench, "a");
  await bench.store.appendMessage(of("a"), { round: 1, role: "r", content: "c", meta: {}, ts: 1 });
  assert.deepEqual(bench.working(), []);
  await adopt(bench, "a");
  const { thread } = bench.at("a");
  assert.deepEqual([thread.attempt, thread.messages.length], [2, 1]);
  await bench.finish("a");
  assert.equal(bench.status("a"), "completed");
});

Deno.test("a run that is here already, or not in the store, is left as it is", async () => {
  const bench = new Bench();
  bench.host.down.add("w");
  await bench.start("a");
  for (const id of ["a", "none"]) await adopt(bench, id);
  assert.equal(loadOf(bench).active, 1);
  bench.host.down.clear();
  bench.manager.onWorkflowAvailable("w");
  await bench.turn();
  assert.deepEqual([bench.working(), bench.at("a").thread.attempt], [["a"], 1]);
});

Deno.test("a queued run takes its turn, and one with a time waits for that", async () => {
  const bench = await running("busy"), { clock } = bench, at = clock.now() + hourMs;
  const queued = { status: "queued", startedAt: null } as const;
  await learn(bench, "a", queued);
  const later = newRun("b", { workflow: "w", ...queued });
  await bench.store.create(later, runRow("b"), null, { wall: at, boot: null });
  for (const id of ["a", "b"]) await adopt(bench, id);
  assert.deepEqual([bench.working(), loadOf(bench).queued], [["busy"], 2]);
  await bench.finish("busy");
  await bench.finish("a");
  assert.deepEqual([bench.status("a"), bench.working()], ["completed", []]);
  await clock.tick(hourMs);
  assert.deepEqual(bench.working(), ["b"]);
});

Deno.test("a run that waits is counted, and its wait is settled here in time", async () => {
  const bench = new Bench();
  await learn(bench, "a");
  const wait = { ...sleepOf(1), due: bench.clock.now() + hourMs, dueBoot: null };
  assert.ok(await bench.store.beginWait(of("a"), wait, "it sleeps"));
  await adopt(bench, "a");
  assert.deepEqual([loadOf(bench).waiting, bench.working()], [1, []]);
  await bench.start("next");
  assert.equal(bench.status("next"), "queued", "it keeps its slot");
  await bench.clock.tick(hourMs);
  assert.deepEqual([loadOf(bench).waiting, bench.working()], [0, ["a"]]);
});

Deno.test("a paused run is counted, keeps its slot only if it had one, and may be resumed", async () => {
  for (const from of ["started", "queued"] as const) {
    const bench = new Bench();
    await learn(bench, "a", from === "queued" ? { status: from, startedAt: null } : {});
    await bench.store.pause(of("a"), { from, since: 1, reason: null, wait: null, code: null }, "paused");
    await adopt(bench, "a");
    assert.equal(loadOf(bench).paused, 1);
    await bench.start("next");
    await bench.turn();
    assert.equal(bench.status("next"), from === "queued" ? "started" : "queued");
    assert.equal((await bench.manager.resumeRun("a")).status, from);
  }
});

Deno.test("a role that runs once and had begun elsewhere does not begin again: a person is asked", async () => {
  const bench = new Bench();
  await learn(bench, "a");
  assert.ok(await bench.store.beginRole(of("a"), { attempt: 1, round: 1, role: "charge", at: 1 }));
  await bench.manager.handover.adopt("a");
  await bench.clock.until(() => bench.store.get("a")?.status === "waiting", "the request");
  assert.deepEqual([bench.store.readApprovalAt("a", 1)?.approval.kind, bench.working()], ["recovery", []]);
});

Deno.test("a role that failed elsewhere is tried again when its wait is over", async () => {
  const bench = new Bench(), retryAt = bench.clock.now() + hourMs;
  await learn(bench, "a");
  const failedAt = readMoment(bench.clock), more = { attempts: 3, exhausted: "fail", message: "thrown" } as const;
  const failure: RoleFailure = { round: 1, role: "r", failures: 1, waitMs: hourMs, retryAt, failedAt, ...more };
  assert.ok(await bench.store.appendRoleFailure(of("a"), failure));
  await adopt(bench, "a");
  assert.deepEqual(bench.working(), []);
  await bench.clock.tick(hourMs);
  assert.deepEqual([bench.working(), bench.at("a").thread.failures], [["a"], 1]);
});

Deno.test("a run that has ended elsewhere runs its finally here", async () => {
  const store = new MemoryRunStore();
  store.know("w", { code: "v1", has: true });
  const bench = new Bench({}, store);
  await learn(bench, "a");
  const end = { status: "completed", exitCode: 0, endedAt: 2 } as const;
  await bench.store.transition("a", { from: ["started"] }, end, runRow("a", { type: "run.completed" }));
  await adopt(bench, "a");
  assert.deepEqual([bench.closing(), bench.working()], [["a"], []]);
});

Deno.test("a run that is given up is aborted, and nothing more is written about it, whatever its role says", async () => {
  const bench = await running("a"), rows = bench.rows("a");
  bench.manager.handover.release("a", "it goes on elsewhere");
  assert.equal(bench.at("a").thread.aborted, "it goes on elsewhere");
  await bench.sendMessage("a");
  await bench.finish("a");
  await bench.clock.tick(hourMs);
  assert.deepEqual([bench.status("a"), bench.run("a").rounds, bench.rows("a")], ["started", 0, rows]);
});

Deno.test("the slot of a run that is given up is free when its role has settled", async () => {
  const bench = new Bench();
  for (const id of ["a", "b"]) await bench.start(id);
  await bench.turn();
  bench.manager.handover.release("a", "gone");
  await bench.turn();
  assert.equal(bench.status("b"), "queued");
  await bench.finish("a", "failed");
  assert.deepEqual(bench.working(), ["b"]);
});

Deno.test("a run that comes back goes on only after its role here has settled", async () => {
  const bench = await running("a");
  bench.manager.handover.release("a", "gone");
  const adopted = bench.manager.handover.adopt("a");
  await bench.turn();
  assert.deepEqual([bench.at("a").thread.attempt, bench.at("a").thread.aborted], [1, "gone"]);
  await bench.finish("a", "failed");
  await adopted;
  await bench.turn();
  assert.deepEqual([bench.at("a").thread.attempt, bench.at("a").thread.aborted], [2, null]);
});

Deno.test("runs that wait or are paused are counted no more when they are given up, and free their slots", async () => {
  const bench = await running("a", "b");
  await bench.wait("a", { kind: "event", name: "go", timeoutMs: null });
  await bench.manager.pauseRun("b", null);
  await bench.finish("b", "failed");
  const counts = () => [loadOf(bench).waiting, loadOf(bench).paused];
  assert.deepEqual(counts(), [1, 1]);
  for (const id of ["c", "d"]) await bench.start(id);
  assert.deepEqual(bench.working(), []);
  for (const id of ["a", "b"]) bench.manager.handover.release(id, "gone");
  await bench.turn();
  assert.deepEqual([counts(), bench.working()], [[0, 0], ["c", "d"]]);
});

Deno.test("giving up a run that nobody knows does nothing", async () => {
  const bench = await running("a");
  bench.manager.handover.release("none", "gone");
  await bench.turn();
  assert.deepEqual([bench.working(), bench.at("a").thread.aborted], [["a"], null]);
});

Deno.test("who waits here for the end of a run that ended elsewhere is told it, once", async () => {
  const bench = await running("a"), told: string[] = [];
  const ended = bench.manager.waitForEnd("a").then((run) => told.push(run.status));
  await bench.turn();
  const run = newRun("a", { workflow: "w", status: "killed", exitCode: 137 });
  for (let n = 0; n < 2; n++) bench.manager.handover.tell(run);
  await ended;
  assert.deepEqual([told, bench.status("a")], [["killed"], "started"]);
});
