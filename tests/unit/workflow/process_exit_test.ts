/** Runs whose process dies, or whose code is replaced: which of them continue, and which one is to blame. */
import assert from "node:assert/strict";
import { killGraceMs } from "../../../src/base/limits.ts";
import { MemoryRunStore } from "../../support/memory_run_store.ts";
import { Bench, defaults, running } from "../../support/workflow_bench.ts";

Deno.test("runs of a process that died continue after their last message, with the next attempt", async () => {
  const bench = await running("a", "b");
  await bench.sendMessage("a");
  await bench.die(bench.at("a").process);
  const { process, thread } = bench.at("a");
  assert.deepEqual([process.id, thread.attempt, thread.messages.length], [2, 2, 1]);
  assert.equal(bench.at("b").thread.attempt, 2);
  assert.deepEqual(bench.logged.map(({ type, refId, payload }) => [type, refId, payload]), [
    ["run.crashed", "a", { attempt: 1, round: 2, cause: "out of memory" }],
    ["run.crashed", "b", { attempt: 1, round: 1, cause: "out of memory" }],
  ]);
  assert.deepEqual(bench.rows("a"), ["run.started", "run.message", "run.resumed"]);
  await bench.finish("a");
  assert.deepEqual([bench.status("a"), bench.run("a").attempt], ["completed", 2]);
});

Deno.test("a message whose process dies before the ack is stored, and its round does not run again", async () => {
  const bench = new Bench({}, new MemoryRunStore(false));
  const started = bench.start("a");
  bench.store.commit();
  await started;
  await bench.turn();
  await bench.sendMessage("a");
  await bench.die(bench.at("a").process);
  assert.deepEqual(bench.working(), []);
  for (let commits = 0; commits < 2; commits++) {
    bench.store.commit();
    await bench.turn();
  }
  assert.deepEqual([bench.at("a").thread.attempt, bench.at("a").thread.messages.length], [2, 1]);
});

Deno.test("the third death at the same round ends the run as crashed, when it was alone in its process", async () => {
  const bench = await running("a");
  for (let death = 1; death <= 3; death++) await bench.die(bench.at("a").process);
  const { status, exitCode, attempt, reason } = bench.run("a");
  assert.deepEqual([status, exitCode, attempt], ["crashed", 255, 3]);
  assert.equal(reason, "its process died 3 times at round 1, the last time it out of memory");
  assert.deepEqual(bench.rows("a"), ["run.started", "run.resumed", "run.resumed", "run.crashed"]);
});

Deno.test("kills from outside end no run and make none a suspect; after the second each wait is longer, with its reason", async () => {
  // The bug was: whatever killed the process three times at one round, the run ended as crashed.
  const bench = await running("a", "b");
  for (const waitMs of [0, 0, 1_000, 2_000, 4_000, 8_000]) {
    await bench.die(bench.at("a").process, "outside");
    if (waitMs > 0) {
      assert.deepEqual(bench.working(), []);
      await bench.clock.tick(waitMs - 1);
      assert.deepEqual(bench.working(), [], `it waits ${waitMs} ms`);
      await bench.clock.tick(1);
    }
    assert.deepEqual(bench.working(), ["a", "b"]);
  }
  const causes = bench.logged.filter(({ type, refId }) => type === "run.crashed" && refId === "a")
    .map(({ payload }) => Object(payload).cause);
  const killed = "was killed from outside (SIGKILL)";
  assert.deepEqual(causes.slice(1, 4), [
    killed,
    `${killed}, 3 times at this round; the run waits 1s`,
    `${killed}, 4 times at this round; the run waits 2s`,
  ]);
  // A message ends the count.
  await bench.sendMessage("a");
  await bench.die(bench.at("a").process, "outside");
  assert.deepEqual(bench.working(), ["a"]);
  await bench.finish("a");
  assert.equal(bench.status("a"), "completed");
});

Deno.test("a kill from outside neither adds to the deaths of a run nor forgives them", async () => {
  const bench = await running("a");
  for (const kind of ["crash", "outside", "crash", "outside"] as const) await bench.die(bench.at("a").process, kind);
  assert.equal(bench.status("a"), "started");
  await bench.die(bench.at("a").process, "crash");
  assert.equal(bench.run("a").reason, "its process died 3 times at round 1, the last time it out of memory");
});

Deno.test("deaths at different rounds are not added up", async () => {
  const bench = await running("a");
  for (let death = 1; death <= 6; death++) {
    await bench.die(bench.at("a").process);
    if (death % 2 === 0) await bench.sendMessage("a");
  }
  assert.deepEqual([bench.status("a"), bench.run("a").rounds], ["started", 3]);
});

Deno.test("a killed run that still works in the process takes the blame off the others", async () => {
  const bench = await running("a", "b");
  await bench.die(bench.at("a").process);
  await bench.die(bench.at("a").process);
  assert.deepEqual(bench.working(), ["a"]);
  await bench.manager.killRun("a", null);
  await bench.die(bench.at("a").process);
  // "b" is alone now: its end takes one more death of its own.
  assert.equal(bench.at("b").thread.attempt, 3);
  await bench.die(bench.at("b").process);
  assert.equal(bench.status("b"), "crashed");
});

Deno.test("new code gets new runs at once; old runs go on in the old process, however long", async () => {
  const bench = new Bench({ concurrency: 2 });
  await bench.start("old");
  await bench.turn();
  bench.replaceCode();
  await bench.start("new");
  await bench.clock.tick(100 * defaults.drainTimeoutMs);
  assert.deepEqual([bench.at("old").process.id, bench.at("new").process.id], [1, 2]);
  assert.ok(bench.manager.isBusy(1));
  await bench.finish("old");
  assert.deepEqual([bench.status("old"), bench.run("old").attempt, bench.freed], ["completed", 1, [1]]);
  assert.ok(!bench.manager.isBusy(1));
  assert.equal(bench.status("new"), "started");
});

Deno.test("after the drain timeout the remaining runs of a removed workflow end as interrupted", async () => {
  const bench = new Bench({ concurrency: 2 });
  await bench.start("old");
  await bench.turn();
  bench.manager.configure([]);
  await bench.clock.tick(defaults.drainTimeoutMs - 1);
  assert.equal(bench.status("old"), "started");
  await bench.clock.tick(1);
  const { status, exitCode, reason } = bench.run("old");
  assert.deepEqual([status, exitCode], ["interrupted", null]);
  assert.equal(reason, "workflow w left the configuration, and the run did not finish within 30s");
  await bench.clock.tick(killGraceMs);
  assert.notEqual(bench.at("old").process.recycled, null);
});

Deno.test("a run whose old process dies while it drains continues with the new code, and is not interrupted", async () => {
  const bench = new Bench();
  await bench.start("a");
  await bench.turn();
  const { process } = bench.at("a");
  bench.host.replace("w");
  bench.manager.onCodeReplaced("w");
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

Deno.test("a workflow that is back within the drain timeout keeps its runs", async () => {
  const bench = new Bench();
  await bench.start("a");
  await bench.turn();
  bench.manager.configure([]);
  await bench.clock.tick(defaults.drainTimeoutMs - 1);
  bench.manager.configure([defaults]);
  await bench.clock.tick(defaults.drainTimeoutMs);
  assert.equal(bench.status("a"), "started");
  await bench.sendMessage("a");
  await bench.finish("a");
  assert.equal(bench.status("a"), "completed");
});
