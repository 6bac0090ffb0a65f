/** What a new daemon does with the runs that the last one left. */
import assert from "node:assert/strict";
import { Bench } from "../../support/workflow_bench.ts";

Deno.test("the next start resumes started runs, then starts queued ones in order", async () => {
  const before = new Bench({ concurrency: 2, maxQueue: 9 });
  for (const id of ["a", "b", "c", "d"]) await before.start(id);
  await before.turn();
  await before.sendMessage("a");
  const bench = new Bench({ concurrency: 2, maxQueue: 9 }, before.store.afterCrash());
  await bench.turn();
  assert.deepEqual(bench.working(), ["a", "b"]);
  assert.deepEqual([bench.at("a").thread.attempt, bench.at("a").thread.messages.length], [2, 1]);
  assert.deepEqual(bench.rows("a").slice(-1), ["run.resumed"]);
  await bench.finish("b");
  assert.deepEqual(bench.working(), ["a", "c"]);
  assert.equal(bench.run("c").attempt, 1);
});

Deno.test("with a lowered concurrency no more runs are resumed at a time than fit", async () => {
  const before = new Bench({ concurrency: 3 });
  for (const id of ["a", "b", "c"]) await before.start(id);
  const bench = new Bench({ concurrency: 1 }, before.store.afterCrash());
  await bench.turn();
  assert.deepEqual([bench.working(), bench.run("b").attempt], [["a"], 1]);
  assert.deepEqual(bench.manager.readLoads(), [{
    workflow: "w",
    active: 3,
    unassigned: 2,
    queued: 0,
    waiting: 0,
    paused: 0,
  }]);
  await bench.finish("a");
  assert.deepEqual(bench.working(), ["b"]);
});

Deno.test("runs whose workflow has left the configuration end as interrupted at the start", async () => {
  const before = new Bench();
  await before.start("started");
  await before.start("queued");
  const bench = new Bench({ name: "another" }, before.store.afterCrash());
  await bench.turn();
  assert.deepEqual([bench.status("started"), bench.status("queued")], ["interrupted", "interrupted"]);
  assert.deepEqual(bench.host.processes, []);
  assert.equal((await bench.start("started")).status, "interrupted", "its id still attaches");
});

Deno.test("a run that could not start before the manager stopped is kept for the next start", async () => {
  const bench = new Bench();
  await bench.manager.stop();
  assert.equal((await bench.start("a")).status, "queued");
  const next = new Bench({}, bench.store.afterCrash());
  await next.turn();
  assert.deepEqual(next.working(), ["a"]);
});
