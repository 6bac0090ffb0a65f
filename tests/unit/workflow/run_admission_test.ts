/** Requests for runs: which start, wait, are dropped or rejected, and which attach to an existing run. */
import assert from "node:assert/strict";
import { NerveError } from "../../../src/base/errors.ts";
import { payloadMaxBytes, promptMaxBytes } from "../../../src/base/limits.ts";
import { MemoryRunStore } from "../../support/memory_run_store.ts";
import { Bench } from "../../support/workflow_bench.ts";

Deno.test("a run is on disk before its process starts it and its caller is answered", async () => {
  const bench = new Bench({}, new MemoryRunStore(false));
  const started = bench.start("a");
  await bench.turn();
  assert.deepEqual([bench.working(), bench.changes], [[], []]);
  bench.store.commit();
  const run = await started;
  assert.deepEqual([run.status, run.attempt, run.rounds, run.maxRounds], ["started", 1, 0, 10]);
  await bench.turn();
  const { thread } = bench.at("a");
  assert.deepEqual(thread.start, {
    runId: "a",
    workflow: "w",
    prompt: "go",
    payload: { a: 1 },
    maxRounds: 10,
    trigger: { kind: "manual" },
  });
  assert.deepEqual([thread.attempt, thread.messages], [1, []]);
});

Deno.test("every row of a run names its cause", async () => {
  const bench = new Bench();
  await bench.start("a", { causeId: 42 });
  await bench.turn();
  await bench.finish("a");
  assert.deepEqual(bench.store.disk.rows.map(({ source, type, refId, causeId }) => [source, type, refId, causeId]), [
    ["workflow:w", "run.started", "a", 42],
    ["workflow:w", "run.completed", "a", 42],
  ]);
});

Deno.test("over its concurrency a workflow queues, and starts the queued in order", async () => {
  const bench = new Bench({ maxQueue: 5 });
  const runs = await Promise.all(["a", "b", "c"].map((id) => bench.start(id)));
  assert.deepEqual(runs.map(({ status, attempt }) => `${status} ${attempt}`), ["started 1", "queued 0", "queued 0"]);
  await bench.finish("a");
  assert.deepEqual([bench.status("b"), bench.status("c")], ["started", "queued"]);
  assert.deepEqual(bench.rows("b"), ["run.queued", "run.started"]);
  await bench.finish("b");
  assert.equal(bench.status("c"), "started");
  assert.deepEqual(bench.manager.readLoads(), [{
    workflow: "w",
    active: 1,
    unassigned: 0,
    queued: 0,
    waiting: 0,
    paused: 0,
  }]);
});

Deno.test("a full queue drops its oldest run for the newest", async () => {
  const bench = new Bench({ maxQueue: 2 });
  for (const id of ["a", "b", "c", "d", "e"]) await bench.start(id);
  await bench.turn();
  assert.deepEqual(["a", "b", "c", "d", "e"].map((id) => bench.status(id)), [
    "started",
    "dropped",
    "dropped",
    "queued",
    "queued",
  ]);
  assert.equal(bench.run("b").reason, "the queue was full, and it was the oldest run in it");
  assert.equal(bench.run("b").exitCode, null);
});

Deno.test("a burst into a full queue drops no more than it has to", async () => {
  const bench = new Bench({ maxQueue: 2 });
  await Promise.all(["a", "b", "c", "d"].map((id) => bench.start(id)));
  await bench.turn();
  assert.deepEqual(["a", "b", "c", "d"].map((id) => bench.status(id)), ["started", "dropped", "queued", "queued"]);
});

Deno.test("a run that cannot be written takes no queued run's place", async () => {
  const bench = new Bench({ maxQueue: 1 });
  await bench.start("a");
  await bench.start("b");
  bench.store.failures = 1;
  const message = "run c could not be started: disk is full";
  await assert.rejects(bench.start("c"), { code: "STORE_FAILED", message, hint: "free some space" });
  await bench.turn();
  assert.equal(bench.status("b"), "queued");
  assert.deepEqual(bench.manager.readLoads(), [{
    workflow: "w",
    active: 1,
    unassigned: 0,
    queued: 1,
    waiting: 0,
    paused: 0,
  }]);
  assert.equal((await bench.start("c")).status, "queued");
});

Deno.test("a start whose fsync failed says that its run, by its id, may run after a restart", async () => {
  // The bug was: the API answered 500, and after a restart the run ran although no one expected it.
  const bench = new Bench({});
  bench.store.failures = 1;
  bench.store.failure = new NerveError("STORE_FAILED", "the log cannot be written: disk I/O error");
  await assert.rejects(bench.start("c"), {
    code: "STORE_FAILED",
    message: /^run c could not be started: .*disk I\/O error; it may be on disk all the same, and run after a restart$/,
    hint: /^nerve workflow inspect c shows it then; .*start it again with the id c$/,
  });
});

Deno.test("dropped runs are counted, of both overflows", async () => {
  const drops = new Bench({ overflow: "drop" }), queues = new Bench({ maxQueue: 1 });
  for (const id of ["a", "b", "c"]) for (const bench of [drops, queues]) await bench.start(id);
  await queues.turn();
  assert.deepEqual([drops.manager.dropped, queues.manager.dropped], [2, 1]);
});

Deno.test("with overflow drop a run over the concurrency is dropped, and says why", async () => {
  const bench = new Bench({ overflow: "drop" });
  await bench.start("a");
  const dropped = await bench.start("b");
  assert.deepEqual([dropped.status, dropped.exitCode, dropped.reason], ["dropped", null, "1 of 1 runs are active"]);
  assert.deepEqual(bench.rows("b"), ["run.dropped"]);
  assert.deepEqual(bench.changes, ["a:started", "b:dropped"]);
});

Deno.test("in quarantine new runs are queued or dropped, in a backoff they are taken", async () => {
  const queues = new Bench({ concurrency: 2 });
  queues.host.quarantine.add("w");
  assert.equal((await queues.start("a")).status, "queued");
  queues.host.quarantine.clear();
  queues.manager.onWorkflowAvailable("w");
  await queues.turn();
  assert.equal(queues.status("a"), "started");

  const drops = new Bench({ overflow: "drop" });
  drops.host.quarantine.add("w");
  assert.equal((await drops.start("a")).status, "dropped");
  drops.host.quarantine.clear();
  drops.host.down.add("w");
  assert.equal((await drops.start("b")).status, "started");
  assert.deepEqual(drops.manager.readLoads(), [{
    workflow: "w",
    active: 1,
    unassigned: 1,
    queued: 0,
    waiting: 0,
    paused: 0,
  }]);
  drops.host.down.clear();
  drops.manager.onWorkflowAvailable("w");
  assert.deepEqual(drops.working(), ["b"]);
});

Deno.test("an id that exists attaches, whatever the run's state, and never starts another", async () => {
  const bench = new Bench();
  const [one, two] = await Promise.all([bench.start("a"), bench.start("a")]);
  assert.deepEqual(one, two);
  await bench.turn();
  await bench.finish("a");
  const again = await bench.start("a", { payload: { a: 1 } });
  assert.deepEqual([again.status, again.exitCode], ["completed", 0]);
  assert.deepEqual(bench.changes, ["a:started", "a:completed"]);
});

Deno.test("attaching with another workflow, prompt, maxRounds or payload is a conflict; the order of keys is none", async () => {
  const bench = new Bench();
  await bench.start("a", { payload: { x: 1, y: [0, null] }, maxRounds: 5 });
  assert.equal((await bench.start("a", { payload: { y: [-0, null], x: 1 } })).status, "started");
  const conflict = { code: "RUN_CONFLICT" };
  await assert.rejects(bench.start("a", { payload: { x: 2, y: [0, null] } }), conflict);
  await assert.rejects(bench.start("a", { prompt: "other", payload: { x: 1, y: [0, null] } }), conflict);
  await assert.rejects(bench.start("a", { workflow: "v", payload: { x: 1, y: [0, null] } }), conflict);
  const more = { payload: { x: 1, y: [0, null] }, maxRounds: 6 };
  await assert.rejects(bench.start("a", more), { ...conflict, message: "run a exists with a different maxRounds" });
  assert.equal((await bench.start("a", { ...more, maxRounds: 5 })).maxRounds, 5);
  assert.equal((await bench.start("a", { ...more, maxRounds: null })).maxRounds, 5, "who leaves it open gets the run");
});

Deno.test("a prompt is stored text: NUL and half a surrogate pair are replaced, and the same start attaches", async () => {
  const bench = new Bench();
  const run = await bench.start("a", { prompt: "a\0b \ud800" });
  assert.equal(run.prompt, "a\ufffdb \ufffd");
  assert.equal((await bench.start("a", { prompt: "a\0b \ud800" })).runId, run.runId);
});

Deno.test("an invalid start is rejected before anything is written", async () => {
  const bench = new Bench();
  const invalid = { code: "PAYLOAD_INVALID" };
  await assert.rejects(bench.start("../etc"), invalid);
  await assert.rejects(bench.start("a", { payload: "x".repeat(payloadMaxBytes) }), invalid);
  await assert.rejects(bench.start("a", { prompt: "\u20ac".repeat(promptMaxBytes / 2) }), invalid);
  await assert.rejects(bench.start("a", { maxRounds: 0 }), invalid);
  await assert.rejects(bench.start("a", { maxRounds: 1.5 }), invalid);
  await assert.rejects(bench.start("a", { workflow: "nope" }), { code: "WORKFLOW_UNKNOWN" });
  assert.equal(bench.store.disk.rows.length, 0);
  assert.equal(bench.manager.readLoads().length, 1);
});

Deno.test("a caller that changes its payload afterwards does not change the run", async () => {
  const bench = new Bench();
  const payload = { list: [1] };
  const starting = bench.start("a", { payload });
  payload.list.push(2);
  assert.deepEqual((await starting).payload, { list: [1] });
});
