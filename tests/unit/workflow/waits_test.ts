/** Runs that wait: no process and no memory while they do, one message at the end, and no wait that is too long. */
import assert from "node:assert/strict";
import { dueWaitsMax } from "../../../src/base/wait_limits.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { MemoryRunStore } from "../../support/memory_run_store.ts";
import { Bench, running } from "../../support/workflow_bench.ts";

const dayMs = 24 * 3_600_000;

/** A run "a" that sleeps for `ms`. */
async function sleeping(ms: number): Promise<Bench> {
  const bench = await running("a");
  await bench.wait("a", { kind: "for", ms });
  return bench;
}

Deno.test("a run that sleeps is in no process and not in memory, and says until when", async () => {
  const bench = await running("a"), { process } = bench.at("a");
  await bench.wait("a", { kind: "for", ms: 60_000 });
  assert.deepEqual([bench.status("a"), bench.working(), bench.freed], ["waiting", [], [process.id]]);
  assert.equal(bench.run("a").reason, "role cool sleeps until 2026-01-01T00:01:00.000Z");
  assert.deepEqual(bench.rows("a"), ["run.started", "run.waiting"]);
  assert.deepEqual(bench.manager.readLoads(), [{
    workflow: "w",
    active: 0,
    unassigned: 0,
    queued: 0,
    waiting: 1,
    paused: 0,
  }]);
});

Deno.test("one message settles a sleep, and the run goes on in its next attempt", async () => {
  const bench = await sleeping(60_000), until = bench.clock.now() + 60_000;
  await bench.clock.tick(59_999);
  assert.deepEqual([bench.status("a"), bench.working()], ["waiting", []]);
  await bench.clock.tick(1);
  const { thread } = bench.at("a");
  const content = "slept until 2026-01-01T00:01:00.000Z";
  assert.deepEqual(thread.messages, [{ round: 1, role: "cool", content, meta: { until }, ts: until }]);
  assert.deepEqual([thread.attempt, bench.run("a").attempt, bench.run("a").reason], [2, 2, null]);
  assert.deepEqual(bench.rows("a"), ["run.started", "run.waiting", "run.message"]);
  assert.deepEqual(bench.changes, ["a:started", "a:waiting", "a:started"]);
  await bench.sendMessage("a");
  await bench.finish("a");
  assert.deepEqual([bench.status("a"), bench.run("a").rounds], ["completed", 2]);
});

Deno.test("a sleep of no time, and one until a time that has passed, are over at once", async () => {
  for (const wait of [{ kind: "for", ms: 0 }, { kind: "until", at: 1_000 }] as const) {
    const bench = await running("a");
    await bench.wait("a", wait);
    await bench.turn();
    assert.deepEqual([bench.status("a"), bench.at("a").thread.messages.length], ["started", 1]);
  }
});

Deno.test("the wait is on disk before anybody learns of it, and nothing starts in its slot", async () => {
  const bench = new Bench({}, new MemoryRunStore(false));
  for (const id of ["a", "b"]) {
    const started = bench.start(id);
    bench.store.commit();
    await started;
  }
  await bench.turn();
  await bench.wait("a", { kind: "for", ms: 60_000 });
  assert.deepEqual(bench.changes, ["a:started", "b:queued"]);
  bench.store.commit();
  await bench.turn();
  assert.deepEqual([bench.changes.at(-1), bench.status("b")], ["a:waiting", "queued"]);
});

Deno.test("with `waiting: release` the slot is free meanwhile, and the run waits for one afterwards", async () => {
  const bench = new Bench({ waiting: "release" });
  for (const id of ["a", "b"]) await bench.start(id);
  await bench.turn();
  await bench.wait("a", { kind: "for", ms: 60_000 });
  assert.deepEqual(bench.working(), ["b"]);
  await bench.clock.tick(60_000);
  assert.deepEqual([bench.status("a"), bench.working()], ["started", ["b"]]);
  await bench.finish("b");
  assert.deepEqual(bench.working(), ["a"]);
});

Deno.test("a restart of the daemon makes no sleep longer, and one that ended meanwhile is over", async () => {
  const bench = await sleeping(60_000);
  await bench.clock.tick(20_000);
  const next = new Bench({}, bench.store.afterCrash(), new FakeClock(bench.clock.now() + 10_000));
  assert.deepEqual(next.manager.readLoads()[0]?.waiting, 1);
  await next.clock.tick(29_999);
  assert.equal(next.status("a"), "waiting");
  await next.clock.tick(1);
  assert.equal(next.at("a").thread.messages.length, 1);
  await next.wait("a", { kind: "for", ms: 60_000 });
  const later = new Bench({}, next.store.afterCrash(), new FakeClock(next.clock.now() + dayMs));
  await later.turn();
  assert.equal(later.at("a").thread.messages.length, 2);
});

Deno.test("a clock that is set back makes no sleep longer, before a restart or after it; set forward, it ends one", async () => {
  const bench = await sleeping(60_000);
  await bench.clock.tick(20_000);
  bench.clock.jump(-dayMs);
  await bench.clock.tick(10_000);
  await bench.manager.stop(0);
  // The same boot of the machine: its clock continues.
  const next = new Bench({}, bench.store.afterCrash(), bench.clock);
  await next.clock.tick(29_999);
  assert.equal(next.status("a"), "waiting");
  await next.clock.tick(1);
  assert.equal(next.at("a").thread.messages.length, 1);
  await next.wait("a", { kind: "for", ms: 60_000 });
  next.clock.jump(dayMs);
  await next.turn();
  assert.equal(next.at("a").thread.messages.length, 2);
});

Deno.test("a sleep until a time of day follows the wall clock, wherever that is set", async () => {
  const bench = await running("a"), at = bench.clock.now() + 60_000;
  await bench.wait("a", { kind: "until", at });
  bench.clock.jump(-3_600_000);
  await bench.clock.tick(60_000);
  assert.equal(bench.status("a"), "waiting");
  await bench.clock.tick(3_599_999);
  assert.equal(bench.status("a"), "waiting");
  await bench.clock.tick(1);
  assert.equal(bench.status("a"), "started");
});

Deno.test("a killed sleep ends at once, frees its slot, and its time does nothing later", async () => {
  const bench = await sleeping(60_000);
  await bench.start("b");
  const killed = await bench.manager.killRun("a", "enough");
  await bench.turn();
  assert.deepEqual([killed.status, killed.exitCode, killed.reason], ["killed", 137, "enough"]);
  assert.deepEqual([bench.working(), bench.manager.readLoads()[0]?.waiting], [["b"], 0]);
  await bench.clock.tick(dayMs);
  assert.deepEqual(bench.rows("a"), ["run.started", "run.waiting", "run.killed"]);
});

Deno.test("a kill and the end of a sleep at once: one of them is first, and the run ends killed", async () => {
  const bench = new Bench({}, new MemoryRunStore(false));
  const started = bench.start("a");
  bench.store.commit();
  await started;
  await bench.turn();
  await bench.wait("a", { kind: "for", ms: 1_000 });
  bench.store.commit();
  await bench.clock.tick(1_000);
  const killed = bench.manager.killRun("a", null);
  await bench.turn();
  bench.store.commit();
  assert.equal((await killed).status, "killed");
  await bench.turn();
  assert.deepEqual(bench.rows("a"), ["run.started", "run.waiting", "run.message", "run.killed"]);
  assert.deepEqual([bench.run("a").rounds, bench.working()], [1, []]);
});

Deno.test("a kill that the disk refuses is recorded later, and the sleep does not go on meanwhile", async () => {
  const bench = await sleeping(1_000);
  bench.store.failures = 2;
  await assert.rejects(bench.manager.killRun("a", null), { code: "STORE_FAILED" });
  await bench.clock.tick(10_000);
  assert.deepEqual([bench.status("a"), bench.rows("a").at(-1)], ["killed", "run.killed"]);
});

Deno.test("a sleep that cannot be settled for a full disk is settled when the disk allows", async () => {
  const bench = await sleeping(1_000);
  bench.store.failures = 3;
  await bench.clock.tick(60_000);
  assert.deepEqual([bench.status("a"), bench.at("a").thread.messages.length], ["started", 1]);
});

Deno.test("a wait that cannot be stored is stored when the disk allows", async () => {
  const bench = await running("a");
  bench.store.failures = 2;
  await bench.wait("a", { kind: "for", ms: 60_000 });
  assert.equal(bench.status("a"), "started");
  await bench.clock.tick(1_000);
  assert.equal(bench.status("a"), "waiting");
});

Deno.test("who waits for the end of a run that sleeps is told of it", async () => {
  const bench = await sleeping(1_000), ended = bench.manager.waitForEnd("a");
  await bench.clock.tick(1_000);
  await bench.finish("a");
  assert.equal((await ended).status, "completed");
  const stopped = await sleeping(1_000), left = stopped.manager.waitForEnd("a");
  await stopped.manager.stop();
  assert.equal((await left).status, "waiting", "as it stands when the daemon stops");
});

Deno.test("sleeping runs end as interrupted when their workflow leaves the configuration, also at the start", async () => {
  const bench = await sleeping(60_000);
  bench.manager.configure([]);
  await bench.turn();
  assert.deepEqual([bench.status("a"), bench.run("a").reason], [
    "interrupted",
    "workflow w is no longer in the configuration",
  ]);
  const before = await sleeping(60_000), next = new Bench({ name: "another" }, before.store.afterCrash());
  await next.turn();
  assert.equal(next.status("a"), "interrupted");
});

Deno.test("a run whose workflow leaves the configuration while its wait is written ends as interrupted", async () => {
  const bench = await running("a");
  const waits = bench.wait("a", { kind: "for", ms: 60_000 });
  bench.manager.configure([]);
  await waits;
  await bench.turn();
  assert.equal(bench.status("a"), "interrupted");
});

Deno.test("a wait beyond maxRounds fails the run with exit code 2, and one out of sequence is refused", async () => {
  const bench = new Bench({ maxRounds: 1 });
  await bench.start("a");
  await bench.turn();
  await bench.wait("a", { kind: "for", ms: 0 });
  await bench.wait("a", { kind: "for", ms: 0 });
  assert.deepEqual([bench.status("a"), bench.run("a").exitCode], ["failed", 2]);
  const other = await running("b");
  await other.wait("b", { kind: "for", ms: 0 }, { round: 2 });
  assert.deepEqual([other.status("b"), other.logged.map(({ type }) => type)], ["started", ["run.refused"]]);
});

Deno.test("any number of sleeps is settled, in the order in which they are due", async () => {
  const ids = Array.from({ length: dueWaitsMax * 2 + 10 }, (_, n) => `r${n}`);
  const bench = new Bench({ concurrency: ids.length });
  for (const id of ids) await bench.start(id);
  await bench.turn();
  for (const [n, id] of ids.entries()) await bench.wait(id, { kind: "for", ms: 100_000 - n });
  await bench.clock.stall(200_000);
  const settled = bench.store.disk.rows.filter(({ type }) => type === "run.message").map(({ refId }) => refId);
  assert.deepEqual(settled, ids.toReversed());
  assert.equal(bench.working().length, ids.length);
});

Deno.test("a stopped manager leaves no timer of a sleep", async () => {
  const bench = await sleeping(60_000);
  await bench.manager.stop();
  assert.equal(bench.clock.pending, 0);
});
