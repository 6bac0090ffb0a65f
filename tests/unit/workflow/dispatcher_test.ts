/** Which run is given to a process, and when: slots, suspects, processes that may not start. */
import assert from "node:assert/strict";
import { Bench, defaults, running } from "../../support/workflow_bench.ts";

Deno.test("while no process may start, runs wait, and they continue when one may", async () => {
  const bench = await running("a");
  bench.host.down.add("w");
  await bench.die(bench.at("a").process);
  assert.deepEqual([bench.working(), bench.run("a").attempt], [[], 1]);
  assert.deepEqual(bench.manager.readLoads(), [{
    workflow: "w",
    active: 1,
    unassigned: 1,
    queued: 0,
    waiting: 0,
    paused: 0,
  }]);
  bench.host.down.clear();
  bench.manager.onWorkflowAvailable("w");
  await bench.turn();
  assert.equal(bench.at("a").thread.attempt, 2);
});

Deno.test("siblings of a run that crashes its process survive, although each death hit them too", async () => {
  const bench = await running("slow", "culprit", "other");
  await bench.die(bench.at("culprit").process);
  await bench.die(bench.at("culprit").process);
  // All three are suspects now: each is alone until it has passed its round.
  assert.deepEqual(bench.working(), ["slow"]);
  await bench.sendMessage("slow");
  assert.deepEqual(bench.working(), ["slow"], "a suspect waits until no other run works");
  await bench.finish("slow");
  assert.deepEqual(bench.working(), ["culprit"]);
  await bench.die(bench.at("culprit").process);
  assert.equal(bench.status("culprit"), "crashed");
  assert.deepEqual(bench.working(), ["other"]);
  await bench.finish("other");
  assert.deepEqual([bench.status("slow"), bench.status("other")], ["completed", "completed"]);
});

Deno.test("no run joins a suspect, and a suspect that has passed its round shares a process again", async () => {
  const bench = new Bench({ concurrency: 2 });
  await bench.start("a");
  await bench.turn();
  await bench.die(bench.at("a").process);
  await bench.die(bench.at("a").process);
  await bench.start("b");
  await bench.turn();
  assert.deepEqual([bench.working(), bench.status("b")], [["a"], "started"]);
  await bench.sendMessage("a");
  assert.deepEqual(bench.working(), ["a", "b"]);
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
