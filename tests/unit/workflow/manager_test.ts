/** Stopping, and following a run to its end. Starts are in run_admission_test.ts, kills in manager_kill_test.ts. */
import assert from "node:assert/strict";
import { stopDrainMs } from "../../../src/base/limits.ts";
import { Bench } from "../../support/workflow_bench.ts";

Deno.test("stop lets the running role finish, starts no other, and leaves the run started", async () => {
  const bench = new Bench();
  await bench.start("a");
  await bench.start("b");
  await bench.turn();
  const follower = bench.manager.waitForEnd("b");
  const stopped = bench.manager.stop();
  assert.equal(bench.manager.stop(), stopped);
  await bench.clock.tick(stopDrainMs / 2);
  await bench.sendMessage("a");
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

Deno.test("a role that does not finish in time is aborted, and its later result does not count", async () => {
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

Deno.test("an immediate stop does not wait, not even for a failing disk", async () => {
  const bench = new Bench();
  await bench.start("a");
  await bench.turn();
  bench.store.failures = 1_000;
  await bench.sendMessage("a");
  const stopped = bench.manager.stop();
  void bench.manager.stop(0);
  await bench.turn();
  await stopped;
  assert.deepEqual([bench.run("a").rounds, bench.status("a"), bench.clock.pending], [0, "started", 0]);
});

Deno.test("a caller that follows a run gets it when it has ended", async () => {
  const bench = new Bench();
  await bench.start("a");
  await bench.turn();
  const ended = bench.manager.waitForEnd("a");
  await bench.finish("a", "failed");
  const run = await ended;
  assert.deepEqual([run.status, run.exitCode, run.reason], ["failed", 1, "role r failed (index.ts:3:7)"]);
  assert.deepEqual(await bench.manager.waitForEnd("a"), run);
  await assert.rejects(bench.manager.waitForEnd("b"), { code: "RUN_UNKNOWN" });
});
