/** What a process may report about a run, and what it may not. Every report is hostile until checked. */
import assert from "node:assert/strict";
import { messageContentMaxBytes, messageMetaMaxBytes } from "../../../src/base/limits.ts";
import { MemoryRunStore } from "../../support/memory_run_store.ts";
import { Bench } from "../../support/workflow_bench.ts";

Deno.test("a message is acked with its stored content when it is on disk", async () => {
  const bench = new Bench({}, new MemoryRunStore(false));
  const started = bench.start("a");
  bench.store.commit();
  await started;
  await bench.turn();
  await bench.sendMessage("a", { content: "one", role: "scan", meta: { n: 1 } });
  assert.deepEqual(bench.at("a").thread.messages, []);
  bench.store.commit();
  await bench.turn();
  const stored = { round: 1, role: "scan", content: "one", meta: { n: 1 }, ts: bench.clock.now() };
  assert.deepEqual(bench.at("a").thread.messages, [stored]);
  assert.deepEqual(bench.store.disk.messages.get("a"), [stored]);
});

Deno.test("a disk that fails for a while delays a message, and loses nothing", async () => {
  const bench = new Bench();
  await bench.start("a");
  await bench.turn();
  bench.store.failures = 2;
  await bench.sendMessage("a");
  assert.equal(bench.run("a").rounds, 0);
  assert.deepEqual(bench.problems, ["message 1 of run a could not be written; retrying: disk is full"]);
  await bench.clock.tick(1_000);
  assert.equal(bench.at("a").thread.messages.length, 1);
  bench.store.failures = 1;
  await bench.finish("a");
  assert.equal(bench.status("a"), "started");
  await bench.clock.tick(1_000);
  assert.equal(bench.status("a"), "completed");
});

Deno.test("maxRounds ends the run with exit code 2, whether the runtime or the kernel notices", async () => {
  const bench = new Bench({ concurrency: 2 });
  await bench.start("told", { maxRounds: 1 });
  await bench.start("found", { maxRounds: 1 });
  await bench.turn();
  await bench.sendMessage("told");
  await bench.finish("told", "max_rounds");
  await bench.sendMessage("found");
  await bench.sendMessage("found");
  for (const id of ["told", "found"]) {
    assert.deepEqual([bench.status(id), bench.run(id).exitCode, bench.run(id).rounds], ["failed", 2, 1]);
  }
  assert.equal(bench.run("told").reason, "maxRounds 1 reached; the next role would have been again");
});

Deno.test("a message that cannot be stored fails its run with exit code 1 and a reason", async () => {
  const bench = new Bench({ concurrency: 9 });
  const wrong: Record<string, Record<string, unknown>> = {
    content: { content: "x".repeat(messageContentMaxBytes + 1) },
    bytes: { content: "\u20ac".repeat(messageContentMaxBytes / 2) },
    type: { content: 5 },
    meta: { meta: { m: "x".repeat(messageMetaMaxBytes) } },
    list: { meta: [] },
    role: { role: "r".repeat(300) },
    noname: { role: "" },
  };
  for (const [id, message] of Object.entries(wrong)) {
    await bench.start(id);
    await bench.turn();
    await bench.sendMessage(id, message);
    const { status, exitCode, reason, rounds } = bench.run(id);
    assert.deepEqual([status, exitCode, rounds], ["failed", 1, 0], id);
    assert.match(reason ?? "", /^round 1: /, id);
  }
  assert.deepEqual(bench.freed, [1, 1, 1, 1, 1, 1, 1]);
});

Deno.test("only the process that holds a run may report about it, in its attempt and in sequence", async () => {
  const bench = new Bench({ concurrency: 3 });
  await bench.start("a");
  await bench.start("b");
  await bench.turn();
  const { process } = bench.at("a");
  const other = { id: 99, workflow: "v" };
  const message = { t: "message", runId: "a", attempt: 1, round: 1, role: "r", content: "", meta: {} } as const;
  const finished = { t: "finished", runId: "a", attempt: 1, outcome: { kind: "completed" } } as const;
  bench.manager.onMessage(other, message);
  bench.manager.onMessage(other, finished);
  bench.manager.onMessage(process, { ...message, runId: "unknown" });
  bench.manager.onMessage(process, { ...message, attempt: 2 });
  bench.manager.onMessage(process, { ...finished, attempt: 0 });
  for (const round of [0, -1, 2, Number.MAX_SAFE_INTEGER]) bench.manager.onMessage(process, { ...message, round });
  bench.manager.onMessage(process, message);
  // Its message waits for the disk: until it is acked, the only valid report is that the run has ended.
  bench.manager.onMessage(process, message);
  bench.manager.onMessage(process, { ...message, round: 2 });
  bench.manager.onMessage(process, { ...finished, attempt: 2 });
  await bench.turn();
  assert.deepEqual([bench.run("a").rounds, bench.status("a"), bench.status("b")], [1, "started", "started"]);
  assert.deepEqual(bench.logged.map(({ type }) => type), Array(12).fill("run.refused"));
  // The run's own history gets only rows of its own workflow.
  assert.deepEqual(bench.logged.slice(0, 3).map(({ source, refId }) => [source, refId]), [
    ["workflow:v", null],
    ["workflow:v", null],
    ["workflow:w", null],
  ]);
  assert.deepEqual([bench.logged[3]?.source, bench.logged[3]?.refId], ["workflow:w", "a"]);
});

Deno.test("a run whose messages would take more than max_thread fails, and is warned once before", async () => {
  const bench = new Bench({ maxThreadBytes: 1_000 });
  await bench.start("a");
  await bench.turn();
  for (let round = 0; round < 9; round++) await bench.sendMessage("a", { content: "x".repeat(100), meta: {} });
  assert.equal(bench.status("a"), "started");
  const [warning, ...more] = bench.logged.filter(({ type }) => type === "run.log");
  assert.deepEqual(more, []);
  assert.match(JSON.stringify(warning?.payload), /"level":"warn","message":"its messages take .* \(max_thread\)"/);
  await bench.sendMessage("a", { content: "\u20ac".repeat(30), meta: { wide: "\u20ac" } });
  assert.deepEqual([bench.status("a"), bench.run("a").exitCode, bench.run("a").rounds], ["failed", 1, 9]);
  assert.match(bench.run("a").reason ?? "", /^round 10: the run's messages would take more than max_thread, /);
});
