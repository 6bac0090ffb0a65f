/** Killing runs: a kill is final at once, whatever the run is doing. */
import assert from "node:assert/strict";
import { killGraceMs } from "../../../src/base/limits.ts";
import { MemoryRunStore } from "../../support/memory_run_store.ts";
import { Bench, defaults, running } from "../../support/workflow_bench.ts";

Deno.test("a kill of a started run is final at once; its role gets the grace period, then its process is recycled", async () => {
  const bench = new Bench({ concurrency: 2, maxQueue: 9 });
  await bench.start("a");
  await bench.start("b");
  await bench.turn();
  await bench.sendMessage("b");
  const run = await bench.manager.killRun("a", "no longer needed");
  assert.deepEqual([run.status, run.exitCode, run.reason], ["killed", 137, "no longer needed"]);
  const { process, thread } = bench.at("a");
  assert.equal(thread.aborted, "no longer needed");
  await bench.start("c");
  assert.equal(bench.status("c"), "queued", "a role that still works keeps its slot");
  await bench.clock.tick(killGraceMs - 1);
  assert.equal(process.recycled, null);
  await bench.clock.tick(1);
  assert.match(process.recycled ?? "", /run a did not stop/);
  bench.manager.configure([{ ...defaults, concurrency: 4 }]);
  await bench.turn();
  assert.equal(bench.status("c"), "started");
  assert.deepEqual([...process.threads.keys()], ["a", "b"], "nothing new is given to a process that is to end");
  await bench.die(process, "crash");
  assert.equal(bench.logged.length, 0, "a recycled process does not count as a death of its runs");
  assert.deepEqual([bench.at("b").thread.attempt, bench.at("b").thread.messages.length], [2, 1]);
  assert.deepEqual([bench.status("a"), bench.at("c").thread.attempt], ["killed", 1]);
});

Deno.test("a killed role that stops in time does not cost its process; a late result is rejected and logged", async () => {
  const bench = await running("a", "b");
  await bench.manager.killRun("a", null);
  await bench.sendMessage("a");
  assert.deepEqual([bench.run("a").rounds, bench.status("a")], [0, "killed"]);
  assert.deepEqual(bench.logged.map(({ type, refId }) => [type, refId]), [["run.refused", "a"]]);
  await bench.manager.killRun("b", null);
  await bench.finish("b", "failed");
  assert.equal(bench.logged.length, 1, "an error is what an abort is expected to give");
  assert.deepEqual(bench.freed, [1]);
  await bench.clock.tick(killGraceMs);
  assert.equal(bench.host.processes[0]?.recycled, null);
  assert.equal(bench.clock.pending, 0);
});

Deno.test("a queued run is killed at once, and never starts", async () => {
  const bench = new Bench();
  await bench.start("a");
  await bench.start("b");
  assert.equal((await bench.manager.killRun("b", null)).status, "killed");
  await bench.turn();
  await bench.finish("a");
  assert.deepEqual([bench.rows("b"), bench.working()], [["run.queued", "run.killed"], []]);
});

Deno.test("a run whose process has already died can be killed", async () => {
  const bench = await running("a");
  bench.host.down.add("w");
  await bench.die(bench.at("a").process);
  assert.equal((await bench.manager.killRun("a", null)).exitCode, 137);
  bench.host.down.clear();
  bench.manager.onWorkflowAvailable("w");
  await bench.turn();
  assert.deepEqual([bench.working(), bench.status("a")], [[], "killed"]);
});

Deno.test("while a kill is being written nothing is started for the run", async () => {
  const bench = new Bench({}, new MemoryRunStore(false));
  bench.host.down.add("w");
  const started = bench.start("a");
  bench.store.commit();
  await started;
  const killed = bench.manager.killRun("a", null);
  await bench.turn();
  bench.host.down.clear();
  bench.manager.onWorkflowAvailable("w");
  await bench.turn();
  assert.deepEqual(bench.working(), []);
  bench.store.commit();
  assert.equal((await killed).status, "killed");
});

Deno.test("killing a run that has ended, or does not exist, says so", async () => {
  const bench = await running("a");
  await bench.finish("a");
  await assert.rejects(bench.manager.killRun("a", null), {
    code: "RUN_ENDED",
    message: "run a has already ended: completed, exit code 0",
  });
  await assert.rejects(bench.manager.killRun("b", null), { code: "RUN_UNKNOWN" });
});

Deno.test("when a kill and a result end a run at the same time, the first wins", async () => {
  const bench = new Bench({}, new MemoryRunStore(false));
  const started = bench.start("a");
  bench.store.commit();
  await started;
  await bench.turn();
  await bench.finish("a");
  const late = bench.manager.killRun("a", null);
  const refused = assert.rejects(late, { code: "RUN_ENDED" });
  await bench.turn();
  bench.store.commit();
  await refused;
  assert.deepEqual(bench.changes, ["a:started", "a:completed"]);
});

Deno.test("a kill while the disk is full ends the work at once, and is recorded when there is space again", async () => {
  const bench = await running("a");
  bench.store.failures = 3;
  await assert.rejects(bench.manager.killRun("a", "enough"), {
    code: "STORE_FAILED",
    message: /^run a was ended; that is recorded when the log can be written: /,
    hint: "free some space",
  });
  assert.equal(bench.at("a").thread.aborted, "enough");
  await bench.finish("a", "failed");
  assert.equal(bench.status("a"), "started", "nothing is recorded yet");
  await assert.rejects(bench.manager.killRun("a", null), { code: "STORE_FAILED" });
  assert.deepEqual(bench.working(), [], "nothing starts again meanwhile");
  await bench.clock.tick(60_000);
  assert.deepEqual([bench.status("a"), bench.run("a").exitCode], ["killed", 137]);
  assert.equal(bench.rows("a").filter((type) => type === "run.killed").length, 1);
  assert.deepEqual([bench.manager.isBusy(1), bench.clock.pending], [false, 0]);
});

Deno.test("a kill on a full disk of a run whose message waits for the disk keeps the message or the end, never a process", async () => {
  const bench = await running("a");
  bench.store.failures = 4;
  await bench.sendMessage("a");
  await assert.rejects(bench.manager.killRun("a", "enough"), { code: "STORE_FAILED" });
  assert.equal(bench.at("a").thread.aborted, "enough");
  assert.equal(bench.manager.isBusy(1), false);
  await bench.clock.tick(60_000);
  assert.equal(bench.status("a"), "killed");
  assert.equal(bench.host.processes.length, 1, "no other process takes it up");
});
