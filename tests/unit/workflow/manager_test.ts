/** Reload, drain, stop and start: what becomes of runs when the code or the daemon changes. */
import assert from "node:assert/strict";
import { killGraceMs, stopDrainMs } from "../../../src/base/limits.ts";
import { Bench, defaults } from "../../support/workflow_bench.ts";

Deno.test("new code takes new runs at once; old runs finish on the old process", async () => {
  const bench = new Bench({ concurrency: 2 });
  await bench.start("old");
  await bench.turn();
  bench.host.replace("w");
  bench.manager.codeReplaced("w");
  await bench.start("new");
  await bench.turn();
  assert.deepEqual([bench.at("old").process.id, bench.at("new").process.id], [1, 2]);
  assert.ok(bench.manager.busy(1));
  await bench.say("old");
  await bench.finish("old");
  assert.deepEqual([bench.status("old"), bench.run("old").attempt, bench.freed], ["completed", 1, [1]]);
  assert.ok(!bench.manager.busy(1));
  await bench.clock.tick(defaults.drainTimeoutMs);
  assert.equal(bench.status("new"), "started");
});

Deno.test("after the drain timeout what is left on the old process ends as interrupted", async () => {
  const bench = new Bench({ concurrency: 2 });
  await bench.start("old");
  await bench.turn();
  bench.host.replace("w");
  bench.manager.codeReplaced("w");
  await bench.clock.tick(defaults.drainTimeoutMs - 1);
  assert.equal(bench.status("old"), "started");
  await bench.clock.tick(1);
  const { status, exitCode, reason } = bench.run("old");
  assert.deepEqual([status, exitCode], ["interrupted", null]);
  assert.equal(reason, "its code was replaced, and it had not finished 30s later");
  await bench.clock.tick(killGraceMs);
  assert.notEqual(bench.at("old").process.recycled, null);
});

Deno.test("a run whose old process dies in the drain goes on with the new code, and is not interrupted", async () => {
  const bench = new Bench();
  await bench.start("a");
  await bench.turn();
  const { process } = bench.at("a");
  bench.host.replace("w");
  bench.manager.codeReplaced("w");
  await bench.die(process);
  assert.deepEqual([bench.at("a").process.id, bench.at("a").thread.attempt], [2, 2]);
  await bench.clock.tick(defaults.drainTimeoutMs);
  assert.equal(bench.status("a"), "started");
});

Deno.test("a workflow that leaves the configuration: waiting runs end now, running ones after the drain", async () => {
  const bench = new Bench();
  await bench.start("running");
  await bench.start("queued");
  await bench.turn();
  bench.manager.configure([]);
  await bench.turn();
  assert.deepEqual([bench.status("running"), bench.status("queued")], ["started", "interrupted"]);
  assert.equal(bench.run("queued").reason, "workflow w is no longer in the configuration");
  await assert.rejects(bench.start("new"), { code: "WORKFLOW_UNKNOWN" });
  await bench.clock.tick(defaults.drainTimeoutMs);
  assert.equal(bench.status("running"), "interrupted");
});

Deno.test("a lower concurrency lets running work finish, a higher one starts what waits", async () => {
  const bench = new Bench({ concurrency: 2, maxQueue: 9 });
  for (const id of ["a", "b", "c", "d", "e"]) await bench.start(id);
  bench.manager.configure([{ ...defaults, concurrency: 1 }]);
  await bench.turn();
  assert.deepEqual(bench.working(), ["a", "b"]);
  await bench.finish("a");
  assert.deepEqual(bench.working(), ["b"]);
  bench.manager.configure([{ ...defaults, concurrency: 3 }]);
  await bench.turn();
  assert.deepEqual(bench.working(), ["b", "c", "d"]);
});

Deno.test("stop lets the role at work finish, begins no other, and leaves the run started", async () => {
  const bench = new Bench();
  await bench.start("a");
  await bench.start("b");
  await bench.turn();
  const follower = bench.manager.runEnded("b");
  const stopped = bench.manager.stop();
  assert.equal(bench.manager.stop(), stopped);
  await bench.clock.tick(stopDrainMs / 2);
  await bench.say("a");
  await stopped;
  assert.deepEqual([bench.run("a").rounds, bench.status("a"), bench.status("b")], [1, "started", "queued"]);
  assert.deepEqual(bench.at("a").thread.messages, [], "no ack: the next role must not begin");
  assert.equal((await follower).status, "queued");
  assert.equal(bench.clock.pending, 0);
});

Deno.test("a run that finishes during the stop has finished", async () => {
  const bench = new Bench();
  await bench.start("a");
  await bench.start("b");
  await bench.turn();
  const stopped = bench.manager.stop();
  await bench.finish("a");
  await stopped;
  assert.deepEqual([bench.status("a"), bench.status("b")], ["completed", "queued"]);
});

Deno.test("a role that does not finish in time is told to abort, and what it then says counts for nothing", async () => {
  const bench = new Bench();
  await bench.start("a");
  await bench.turn();
  const stopped = bench.manager.stop();
  await bench.clock.tick(stopDrainMs - 1);
  assert.equal(bench.at("a").thread.aborted, null);
  await bench.clock.tick(1);
  await stopped;
  assert.equal(bench.at("a").thread.aborted, "the daemon stops");
  await bench.finish("a", "failed");
  assert.deepEqual([bench.status("a"), bench.logged], ["started", []]);
});

Deno.test("a stop that may not wait does not, not even for a disk that fails", async () => {
  const bench = new Bench();
  await bench.start("a");
  await bench.turn();
  bench.store.failures = 1_000;
  await bench.say("a");
  const stopped = bench.manager.stop();
  void bench.manager.stop(0);
  await bench.turn();
  await stopped;
  assert.deepEqual([bench.run("a").rounds, bench.status("a"), bench.clock.pending], [0, "started", 0]);
});

Deno.test("the next start resumes started runs, then starts queued ones in order", async () => {
  const before = new Bench({ concurrency: 2, maxQueue: 9 });
  for (const id of ["a", "b", "c", "d"]) await before.start(id);
  await before.turn();
  await before.say("a");
  const bench = new Bench({ concurrency: 2, maxQueue: 9 }, before.store.afterCrash());
  await bench.turn();
  assert.deepEqual(bench.working(), ["a", "b"]);
  assert.deepEqual([bench.at("a").thread.attempt, bench.at("a").thread.messages.length], [2, 1]);
  assert.deepEqual(bench.rows("a").slice(-1), ["run.resumed"]);
  await bench.finish("b");
  assert.deepEqual(bench.working(), ["a", "c"]);
  assert.equal(bench.run("c").attempt, 1);
});

Deno.test("after a lowered concurrency no more started runs are resumed at a time than fit", async () => {
  const before = new Bench({ concurrency: 3 });
  for (const id of ["a", "b", "c"]) await before.start(id);
  const bench = new Bench({ concurrency: 1 }, before.store.afterCrash());
  await bench.turn();
  assert.deepEqual([bench.working(), bench.run("b").attempt], [["a"], 1]);
  assert.deepEqual(bench.manager.loads(), [{ workflow: "w", active: 3, unassigned: 2, queued: 0 }]);
  await bench.finish("a");
  assert.deepEqual(bench.working(), ["b"]);
});

Deno.test("runs whose workflow has left the configuration end at the start as interrupted", async () => {
  const before = new Bench();
  await before.start("started");
  await before.start("queued");
  const bench = new Bench({ name: "another" }, before.store.afterCrash());
  await bench.turn();
  assert.deepEqual([bench.status("started"), bench.status("queued")], ["interrupted", "interrupted"]);
  assert.deepEqual(bench.host.processes, []);
  assert.equal((await bench.start("started")).status, "interrupted", "its id still attaches");
});

Deno.test("a run that nobody could start while the manager stops is kept for the next start", async () => {
  const bench = new Bench();
  await bench.manager.stop();
  assert.equal((await bench.start("a")).status, "queued");
  const next = new Bench({}, bench.store.afterCrash());
  await next.turn();
  assert.deepEqual(next.working(), ["a"]);
});
