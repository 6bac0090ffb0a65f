/** Pausing runs: in the queue, at work and during waits; they resume where they were, and nothing else moves them. */
import assert from "node:assert/strict";
import { backoffMaxMs, killGraceMs } from "../../../src/base/limits.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { MemoryRunStore } from "../../support/memory_run_store.ts";
import { Bench, running } from "../../support/workflow_bench.ts";

Deno.test("a run that works is aborted, and its role runs again after the resume, in another attempt", async () => {
  const bench = await running("a");
  await bench.sendMessage("a");
  const { process, thread } = bench.at("a");
  const paused = await bench.manager.pauseRun("a", "the registry is down");
  assert.deepEqual([paused.status, paused.reason, paused.rounds], ["paused", "paused: the registry is down", 1]);
  await bench.turn();
  assert.equal(thread.aborted, "paused: the registry is down");
  assert.deepEqual(bench.rows("a").slice(-1), ["run.paused"]);
  const resumed = bench.manager.resumeRun("a");
  await bench.clock.tick(1_000);
  assert.equal(bench.status("a"), "paused", "its role has not settled");
  process.threads.delete("a");
  const about = {
    runId: "a",
    attempt: 1,
    round: 2,
    role: "r",
    attempts: 1,
    waitMs: null,
    message: "aborted",
    exhausted: "fail",
  } as const;
  bench.manager.onMessage(process, { t: "attempt_failed", ...about, place: null });
  assert.deepEqual([(await resumed).status, (await resumed).attempt], ["started", 2]);
  await bench.turn();
  assert.deepEqual([bench.at("a").thread.attempt, bench.at("a").thread.messages.length], [2, 1]);
  assert.deepEqual(bench.changes, ["a:started", "a:paused", "a:started"]);
});

Deno.test("a role that does not settle loses its process, and the run goes on in the next one", async () => {
  const bench = await running("a"), { process } = bench.at("a");
  await bench.manager.pauseRun("a", null);
  await bench.turn();
  const resumed = bench.manager.resumeRun("a");
  await bench.clock.tick(killGraceMs);
  assert.ok(process.recycled !== null);
  await bench.die(process, "recycled");
  assert.equal((await resumed).status, "started");
  await bench.turn();
  assert.notEqual(bench.at("a").process, process);
});

Deno.test("a queued run that is paused leaves the queue and takes no slot; it goes on at its place", async () => {
  const bench = new Bench({ maxQueue: 9 });
  for (const id of ["a", "b", "c", "d"]) await bench.start(id);
  await bench.turn();
  assert.equal((await bench.manager.pauseRun("b", null)).status, "paused");
  await bench.turn();
  await bench.finish("a");
  assert.deepEqual(bench.working(), ["c"]);
  assert.equal((await bench.manager.resumeRun("b")).status, "queued");
  await bench.turn();
  await bench.finish("c");
  assert.deepEqual([bench.working(), bench.run("b").attempt], [["b"], 1], "d came later");
});

Deno.test("a queued run that is paused while its start is tried again starts once, after the resume", async () => {
  const bench = new Bench({}, new MemoryRunStore(false));
  bench.host.quarantine.add("w");
  const started = bench.start("a");
  await commit(bench);
  await started;
  bench.store.failures = 1;
  bench.host.quarantine.clear();
  bench.manager.onWorkflowAvailable("w");
  await commit(bench);
  assert.match(bench.problems[0] ?? "", /^run a could not be written as started; retrying/);
  const paused = bench.manager.pauseRun("a", null);
  await commit(bench);
  await paused;
  const resumed = bench.manager.resumeRun("a");
  await bench.clock.tick(backoffMaxMs); // The start would be tried again while the resume is written.
  await commit(bench);
  await resumed;
  await commit(bench);
  assert.deepEqual([bench.working(), bench.run("a").attempt], [["a"], 1]);
  assert.deepEqual(bench.rows("a").filter((type) => type === "run.started"), ["run.started"]);
});

Deno.test("a sleep whose pause the disk refuses is over in time", async () => {
  const bench = new Bench({}, new MemoryRunStore(false));
  const started = bench.start("a");
  await commit(bench);
  await started;
  await bench.wait("a", { kind: "for", ms: 200 });
  await commit(bench);
  assert.equal(bench.status("a"), "waiting");
  const refused = assert.rejects(bench.manager.pauseRun("a", null), { code: "STORE_FAILED" });
  await bench.clock.tick(200); // Its time comes while the pause is written.
  bench.store.failures = 1;
  await commit(bench);
  await refused;
  await commit(bench);
  assert.deepEqual([bench.status("a"), bench.working()], ["started", ["a"]]);
});

Deno.test("a paused run keeps its slot, unless its workflow releases those of runs that wait", async () => {
  for (const waiting of ["keep", "release"] as const) {
    const bench = new Bench({ waiting });
    for (const id of ["a", "b"]) await bench.start(id);
    await bench.turn();
    const { process } = bench.at("a");
    await bench.manager.pauseRun("a", null);
    await bench.turn();
    await bench.die(process, "recycled");
    assert.deepEqual(bench.working(), waiting === "keep" ? [] : ["b"]);
    assert.deepEqual(bench.manager.readLoads()[0]?.paused, 1);
  }
});

Deno.test("a paused sleep is not settled; after the resume it waits on, or is over at once", async () => {
  const bench = await running("a");
  await bench.wait("a", { kind: "for", ms: 60_000 });
  const { reason } = bench.run("a");
  await bench.manager.pauseRun("a", null);
  await bench.clock.tick(30_000);
  const resumed = await bench.manager.resumeRun("a");
  assert.deepEqual([resumed.status, resumed.reason, resumed.attempt], ["waiting", reason, 1]);
  await bench.manager.pauseRun("a", null);
  await bench.clock.tick(600_000);
  assert.deepEqual([bench.status("a"), bench.run("a").rounds], ["paused", 0]);
  await bench.manager.resumeRun("a");
  await bench.turn();
  assert.deepEqual([bench.status("a"), bench.at("a").thread.messages.length], ["started", 1]);
});

Deno.test("an event for a paused run is kept, and its wait takes it after the resume", async () => {
  const bench = await running("a");
  await bench.wait("a", { kind: "event", name: "go", timeoutMs: null });
  await bench.manager.pauseRun("a", null);
  assert.equal((await bench.manager.sendEvent("a", { name: "go", key: "k" })).event.taken, null);
  assert.equal(bench.status("a"), "paused");
  await bench.manager.resumeRun("a");
  await bench.turn();
  await bench.turn();
  assert.deepEqual([bench.status("a"), bench.at("a").thread.messages[0]?.meta.key], ["started", "k"]);
});

Deno.test("what a paused run asks is decided only after the resume", async () => {
  const bench = await running("a");
  const texts = { kind: "gate", title: "Go?", body: "", options: ["approve"] } as const;
  const gate = { ...texts, expiresMs: null, onExpiry: null, approvers: null };
  await bench.wait("a", { ...gate, options: [...gate.options] });
  while (bench.status("a") === "started") await bench.turn();
  const { digest, id } = bench.store.readApprovalAt("a", 1)?.approval ?? assert.fail();
  await bench.manager.pauseRun("a", null);
  const decide = () => bench.manager.decide(id, { option: "approve", digest, token: "t" });
  await assert.rejects(decide(), { code: "RUN_PAUSED" });
  await bench.manager.resumeRun("a");
  assert.equal((await decide()).approval.state, "approved");
});

Deno.test("a pause outlives the daemon; a paused run can be killed, and ends with its workflow", async () => {
  const bench = await running("a", "b", "c");
  for (const id of ["a", "b", "c"]) await bench.manager.pauseRun(id, null);
  await bench.turn();
  const next = new Bench({ concurrency: 3 }, bench.store.afterCrash(), new FakeClock(bench.clock.now()));
  await next.clock.tick(600_000);
  assert.deepEqual([next.working(), next.manager.readLoads()[0]?.paused], [[], 3]);
  assert.equal((await next.manager.killRun("b", null)).status, "killed");
  assert.equal((await next.manager.resumeRun("a")).status, "started");
  await next.turn();
  assert.deepEqual([next.working(), next.manager.readLoads()[0]?.paused], [["a"], 1]);
  next.manager.configure([]);
  await next.turn();
  assert.equal(next.status("c"), "interrupted");
});

Deno.test("a pause and a resume are repeated without effect, and refused for a run that has ended", async () => {
  const bench = await running("a");
  assert.equal((await bench.manager.resumeRun("a")).status, "started");
  const { process } = bench.at("a");
  await bench.manager.pauseRun("a", "first");
  assert.equal((await bench.manager.pauseRun("a", "second")).reason, "paused: first");
  await bench.turn();
  await bench.die(process, "recycled");
  const both = await Promise.all([bench.manager.resumeRun("a"), bench.manager.resumeRun("a")]);
  assert.deepEqual(both.map(({ attempt }) => attempt), [2, 2]);
  await bench.turn();
  await bench.finish("a");
  for (const call of [bench.manager.pauseRun("a", null), bench.manager.resumeRun("a")]) {
    await assert.rejects(call, { code: "RUN_ENDED" });
  }
  await assert.rejects(bench.manager.pauseRun("none", null), { code: "RUN_UNKNOWN" });
  await assert.rejects(bench.manager.resumeRun("none"), { code: "RUN_UNKNOWN" });
});

Deno.test("a pause that cannot be written is refused at once, and the run goes on", async () => {
  const bench = await running("a");
  bench.store.failures = 1;
  await assert.rejects(bench.manager.pauseRun("a", null), { code: "STORE_FAILED" });
  await bench.sendMessage("a");
  assert.deepEqual([bench.status("a"), bench.run("a").rounds], ["started", 1]);
});

Deno.test("a pause while a message, a start or a wait is being written comes after it", async () => {
  const bench = new Bench({}, new MemoryRunStore(false));
  const started = bench.start("a");
  const paused = bench.manager.pauseRun("a", null);
  for (let turn = 0; turn < 9; turn++) {
    bench.store.commit();
    await bench.turn();
  }
  await started;
  assert.equal((await paused).status, "paused");
  const other = await running("b");
  const waits = other.wait("b", { kind: "for", ms: 60_000 });
  const pausing = other.manager.pauseRun("b", null);
  await waits;
  assert.deepEqual([(await pausing).status, other.store.readPause("b")?.from], ["paused", "waiting"]);
});

/** Commits pending writes, and those that follow from them. */
async function commit(bench: Bench): Promise<void> {
  for (let left = 3; left > 0; left--) {
    bench.store.commit();
    await bench.turn();
  }
}
