/** The end of a run that comes while its last message is on its way to the disk. */
import assert from "node:assert/strict";
import { MemoryRunStore } from "../../support/memory_run_store.ts";
import { Bench } from "../../support/workflow_bench.ts";

/** The run "a" and `others`, working, over a store that commits only on demand. */
async function running(...others: string[]): Promise<Bench> {
  const bench = new Bench({ concurrency: 1 + others.length }, new MemoryRunStore(false));
  for (const id of ["a", ...others]) {
    const started = bench.start(id);
    bench.store.commit();
    await started;
    await bench.turn();
  }
  return bench;
}

/** A run whose last message is not on disk yet, followed by the end. */
async function ending(): Promise<Bench> {
  const bench = await running();
  await bench.sendMessage("a", { content: "last" });
  await bench.finish("a");
  assert.deepEqual([bench.status("a"), bench.run("a").rounds], ["started", 0]);
  return bench;
}

Deno.test("the last message and the end take one commit, in that order, and the end counts the message", async () => {
  const bench = await ending();
  assert.equal(bench.store.uncommitted, 2);
  bench.store.commit();
  await bench.turn();
  assert.deepEqual(bench.rows("a"), ["run.started", "run.message", "run.completed"]);
  assert.deepEqual([bench.status("a"), bench.run("a").rounds], ["completed", 1]);
  assert.deepEqual((bench.store.disk.rows.at(-1)?.payload as { rounds: number }).rounds, 1);
  assert.deepEqual([bench.changes, bench.freed, bench.logged], [["a:started", "a:completed"], [1], []]);
});

Deno.test("a disk that fails for a while loses neither of them, and never has the end without the message", async () => {
  const bench = await ending();
  bench.store.failures = 3;
  for (let commits = 0; commits < 20 && bench.status("a") === "started"; commits++) {
    bench.store.commit();
    await bench.clock.tick(1_000);
    assert.equal(bench.run("a").rounds, bench.store.disk.messages.get("a")?.length);
  }
  assert.deepEqual(bench.rows("a"), ["run.started", "run.message", "run.completed"]);
  assert.deepEqual([bench.run("a").rounds, bench.run("a").attempt], [1, 1]);
  assert.deepEqual(bench.problems, ["message 1 of run a could not be written; retrying: disk is full"]);
});

Deno.test("a process that dies after it sent both has done its work", async () => {
  const bench = await ending();
  await bench.die(bench.host.processes[0] ?? assert.fail("no process"));
  bench.store.commit();
  await bench.turn();
  assert.deepEqual([bench.status("a"), bench.run("a").attempt, bench.logged], ["completed", 1, []]);
});

Deno.test("a daemon that is killed before the commit has neither of them, after it both", async () => {
  for (const committed of [false, true]) {
    const bench = await ending();
    if (committed) bench.store.commit();
    const next = new Bench({}, bench.store.afterCrash());
    await next.turn();
    assert.deepEqual([next.status("a"), next.run("a").rounds], committed ? ["completed", 1] : ["started", 0]);
  }
});

Deno.test("a stop waits for the last message although its end was reported, before or after the stop began", async () => {
  // The bug would be: the process is free, so the stop is over, and the message, which failed once, is not retried.
  for (const stopsFirst of [false, true]) {
    const bench = await running();
    let stopped = false;
    const stop = () => void bench.manager.stop().then(() => stopped = true);
    if (stopsFirst) stop();
    await bench.sendMessage("a");
    await bench.finish("a");
    bench.store.failures = 1;
    bench.store.commit();
    await bench.turn();
    if (!stopsFirst) stop();
    for (let left = 40; left > 0 && !stopped; left--) {
      await bench.clock.tick(500);
      bench.store.commit();
      await bench.turn();
    }
    assert.ok(stopped, `stopsFirst ${stopsFirst}`);
    assert.deepEqual([bench.store.disk.messages.get("a")?.length, bench.run("a").rounds, bench.logged], [1, 1, []]);
  }
});

Deno.test("the end of a run that a stop has just put back is not logged as a rejection", async () => {
  const bench = await running("b");
  const { process } = bench.at("a");
  void bench.manager.stop();
  await bench.sendMessage("a");
  bench.store.commit();
  await bench.turn();
  bench.manager.onMessage(process, { t: "finished", runId: "a", attempt: 1, outcome: { kind: "completed" } });
  await bench.turn();
  assert.deepEqual([bench.status("a"), bench.run("a").rounds, bench.logged], ["started", 1, []]);
});

Deno.test("a kill between the message and the end decides the end, and the late report is rejected", async () => {
  const bench = await running();
  const { process } = bench.at("a");
  await bench.sendMessage("a");
  const killed = bench.manager.killRun("a", null);
  await bench.turn();
  bench.store.commit();
  assert.equal((await killed).status, "killed");
  bench.manager.onMessage(process, { t: "finished", runId: "a", attempt: 1, outcome: { kind: "completed" } });
  bench.store.commit();
  await bench.turn();
  assert.deepEqual([bench.status("a"), bench.run("a").rounds], ["killed", 1]);
  assert.deepEqual(bench.logged.map(({ type }) => type), ["run.refused"]);
});
