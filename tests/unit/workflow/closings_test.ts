import assert from "node:assert/strict";
import { backoffMaxMs, closingDeathsMax, closingKillsMax, killGraceMs } from "../../../src/base/limits.ts";
import type { WorkflowPlan } from "../../../src/workflow/engine.ts";
import { MemoryRunStore } from "../../support/memory_run_store.ts";
import { Bench } from "../../support/workflow_bench.ts";

/** A bench whose workflow has a `finally`. */
function closingBench(plan: Partial<WorkflowPlan> = {}, store = new MemoryRunStore()): Bench {
  if (store.readFinally("w") === null) store.know("w", { code: "v1", has: true });
  return new Bench(plan, store);
}

/** The payloads of the `run.closed` rows of a run. */
function closedRows(bench: Bench, runId: string): unknown[] {
  const rows = bench.store.disk.rows.filter(({ refId, type }) => refId === runId && type === "run.closed");
  return rows.map(({ payload }) => payload);
}

async function working(bench: Bench, runId: string): Promise<void> {
  await bench.start(runId);
  await bench.turn();
}

Deno.test("finally runs after a run has completed, with its messages and its end, and its result is a row", async () => {
  const bench = closingBench();
  await working(bench, "r");
  await bench.sendMessage("r");
  await bench.finish("r");
  const { closing } = bench.closer("r");
  assert.deepEqual([closing.end.status, closing.end.exitCode, closing.messages.length], ["completed", 0, 1]);
  assert.equal(closing.attempt > bench.run("r").attempt, true, "nothing that was said before counts");
  await bench.close("r");
  assert.deepEqual(closedRows(bench, "r"), [{ status: "completed", attempts: 1, content: "closed", meta: {} }]);
  await bench.clock.tick(backoffMaxMs);
  assert.deepEqual(bench.closing(), []);
});

Deno.test("finally runs after every end but a drop", async () => {
  const bench = closingBench({ concurrency: 1, maxQueue: 1 });
  await working(bench, "failed");
  await bench.finish("failed", "failed");
  await bench.close("failed");
  await working(bench, "crashed");
  for (let deaths = 0; deaths < 3; deaths++) await bench.die(bench.at("crashed").process);
  await bench.close("crashed");
  await working(bench, "killed");
  await bench.start("queued");
  await bench.start("dropped");
  await bench.manager.killRun("dropped", null);
  await bench.turn();
  assert.deepEqual(bench.status("queued"), "dropped");
  assert.deepEqual(bench.closing(), ["dropped"], "one that never started, too");
  assert.equal(bench.closer("dropped").closing.end.status, "killed");
  await bench.close("dropped");
  await bench.manager.killRun("killed", null);
  await bench.turn();
  assert.deepEqual(bench.closing(), [], "its role has not settled yet");
  await bench.finish("killed", "failed");
  await bench.close("killed");
  const statuses = ["failed", "crashed", "dropped", "killed", "queued"].map((id) =>
    closedRows(bench, id).map((row) => Object(row).status)
  );
  assert.deepEqual(statuses, [["failed"], ["crashed"], ["killed"], ["killed"], []]);
});

Deno.test("the next run begins after the finally of the one before, and a closing waits for no slot", async () => {
  const bench = closingBench({ concurrency: 1, maxQueue: 9 });
  await working(bench, "a");
  await bench.start("b");
  await bench.start("c");
  await bench.finish("a");
  assert.deepEqual([bench.closing(), bench.working(), bench.status("b")], [["a"], [], "queued"]);
  await bench.close("a");
  assert.deepEqual([bench.closing(), bench.working()], [[], ["b"]]);
  await bench.manager.killRun("c", null);
  await bench.turn();
  assert.deepEqual(bench.closing(), ["c"], "beside the run that has the slot");
  await bench.close("c");
  assert.deepEqual([bench.working(), closedRows(bench, "c").length], [["b"], 1]);
});

Deno.test("a finally that throws is a result, and is not run again", async () => {
  const bench = closingBench();
  await working(bench, "r");
  await bench.finish("r");
  await bench.close("r", "failed");
  assert.deepEqual(closedRows(bench, "r"), [{ status: "completed", attempts: 1, error: "thrown" }]);
  const next = closingBench({}, bench.store.afterCrash());
  await next.turn();
  assert.deepEqual(next.closing(), []);
});

Deno.test("a finally that does not stop after its time limit loses its process, and has failed", async () => {
  const bench = closingBench();
  await working(bench, "r");
  await bench.finish("r");
  const { process, closing: { attempt } } = bench.closer("r");
  bench.manager.onMessage(process, { t: "closing", runId: "r", attempt, timeoutMs: 1_000 });
  await bench.clock.tick(1_000 + killGraceMs);
  assert.match(process.recycled ?? "", /finally of run r timed out after 1s/);
  const error = "timed out after 1s and did not stop; its process was ended";
  assert.deepEqual(closedRows(bench, "r"), [{ status: "completed", attempts: 1, error }]);
});

Deno.test("what the daemon did not close, the next one does", async () => {
  const bench = closingBench();
  await working(bench, "r");
  await bench.sendMessage("r");
  await bench.finish("r");
  assert.deepEqual(bench.closing(), ["r"]);
  const next = closingBench({}, bench.store.afterCrash());
  await next.turn();
  assert.deepEqual([next.closer("r").closing.end.status, next.closer("r").closing.messages.length], ["completed", 1]);
  await next.close("r");
  assert.equal(closedRows(next, "r").length, 1);
});

Deno.test("a finally whose process dies is begun again, and has failed when it is to blame", async () => {
  const bench = closingBench();
  await working(bench, "r");
  await bench.finish("r");
  for (let deaths = 1; deaths < 3; deaths++) {
    await bench.die(bench.closer("r").process);
    assert.deepEqual(bench.closing(), [], "after a wait");
    await bench.clock.tick(backoffMaxMs);
  }
  await bench.die(bench.closer("r").process);
  const error = "its process died 3 times while it ran, the last time it out of memory";
  assert.deepEqual(closedRows(bench, "r"), [{ status: "completed", attempts: 3, error }]);
});

Deno.test("a finally is not to blame for what others do, nor for a kill from outside", async () => {
  const bench = closingBench({ concurrency: 2 });
  await working(bench, "r");
  await working(bench, "other");
  await bench.finish("r");
  for (let deaths = 1; deaths < closingDeathsMax; deaths++) {
    await bench.die(bench.closer("r").process);
    assert.deepEqual(closedRows(bench, "r"), []);
    await bench.clock.tick(backoffMaxMs);
    if (bench.status("other") !== "started") await bench.start("other" + deaths);
    await bench.turn();
  }
  await bench.die(bench.closer("r").process, "outside");
  await bench.clock.tick(3_600_000);
  assert.deepEqual(
    [closedRows(bench, "r"), bench.closing().includes("r")],
    [[], true],
    "a kill from outside is nobody's",
  );
});

Deno.test("a finally that kills its own process, which looks like a kill from outside, is not begun for ever", async () => {
  const bench = closingBench();
  await working(bench, "r");
  await bench.finish("r");
  const from = bench.clock.now();
  for (let kills = 1; kills < closingKillsMax; kills++) {
    await bench.die(bench.closer("r").process, "outside");
    assert.deepEqual(closedRows(bench, "r"), []);
    while (bench.closing().length === 0) await bench.clock.tick(1_000);
  }
  assert.ok(bench.clock.now() - from > 45 * 60_000, "a person, or a system without memory, has had time");
  await bench.die(bench.closer("r").process, "outside");
  const [row] = closedRows(bench, "r") as { attempts: number; error: string }[];
  assert.equal(row?.attempts, closingKillsMax);
  assert.match(row?.error ?? "", /^its process was killed 20 times while it ran, the last time it /);
  await bench.clock.tick(3_600_000);
  assert.deepEqual(bench.closing(), []);
});

Deno.test("the stop of the daemon aborts a finally after the drain, and the next daemon runs it", async () => {
  const bench = closingBench();
  await working(bench, "r");
  await bench.finish("r");
  const { closing } = bench.closer("r");
  const stopped = bench.manager.stop(1_000);
  await bench.clock.tick(1_000);
  await stopped;
  assert.equal(closing.aborted, "the daemon stops");
  const next = closingBench({}, bench.store.afterCrash());
  await next.turn();
  assert.deepEqual(next.closing(), ["r"]);
});

Deno.test("code that was never loaded is asked, and a workflow without a finally has nothing to close", async () => {
  const bench = closingBench({ concurrency: 1 }, new MemoryRunStore());
  bench.host.code = "v2";
  bench.replaceCode();
  await working(bench, "r");
  await bench.start("queued");
  await bench.manager.killRun("queued", null);
  await bench.turn();
  assert.deepEqual(bench.closing(), ["queued"]);
  await bench.close("queued", "none");
  assert.deepEqual([closedRows(bench, "queued"), bench.store.disk.closings.size], [[], 0]);
  bench.manager.onLoaded("w", false);
  await bench.turn();
  await bench.finish("r");
  assert.deepEqual([bench.closing(), bench.store.disk.closings.size], [[], 0]);
  assert.deepEqual(bench.store.disk.finallies.get("w"), { code: "v2", has: false });
});

Deno.test("code that lost its finally closes nothing any more", async () => {
  const bench = closingBench();
  bench.host.quarantine.add("w");
  await bench.start("r");
  await bench.manager.killRun("r", null);
  await bench.turn();
  assert.deepEqual(bench.store.disk.closings.size, 1);
  bench.host.lift("w");
  bench.host.code = "v2";
  bench.manager.onLoaded("w", false);
  await bench.turn();
  assert.deepEqual([bench.closing(), bench.store.disk.closings.size], [[], 0]);
});

Deno.test("a killed run whose role runs on keeps no slot when its code turns out to have no finally", async () => {
  // A property test found it: the next run waited for ever.
  const bench = closingBench({ concurrency: 1 }, new MemoryRunStore());
  bench.host.code = "v2";
  bench.replaceCode();
  await working(bench, "r");
  await bench.start("next");
  await bench.manager.killRun("r", null);
  await bench.turn();
  bench.manager.onLoaded("w", false);
  await bench.turn();
  assert.equal(bench.status("next"), "queued", "the role of the one before it runs on");
  await bench.finish("r", "failed");
  assert.deepEqual([bench.status("next"), bench.closing()], ["started", []]);
});

Deno.test("a workflow that left the configuration closes its runs when it is back", async () => {
  const bench = closingBench();
  const plan = { concurrency: 1, overflow: "queue", maxQueue: 2, maxRounds: 10, drainTimeoutMs: 30_000 } as const;
  const more = { maxThreadBytes: 2 ** 20, waiting: "keep", memoryBytes: 2 ** 20, engine: null } as const;
  bench.host.down.add("w");
  await bench.start("r");
  await bench.turn();
  bench.manager.configure([]);
  await bench.turn();
  assert.equal(bench.status("r"), "interrupted");
  bench.host.lift("w");
  bench.manager.configure([{ name: "w", ...plan, ...more }]);
  await bench.turn();
  assert.equal(bench.closer("r").closing.end.status, "interrupted");
});

Deno.test("a disk that takes no row costs nobody the closing, and one that cannot be read is asked again", async () => {
  const bench = closingBench();
  await working(bench, "r");
  const list = bench.store.listClosings.bind(bench.store);
  bench.store.listClosings = () => {
    throw new Error("the file is damaged");
  };
  await bench.finish("r");
  assert.deepEqual([bench.closing(), bench.problems.length], [[], 1]);
  bench.store.listClosings = list;
  await bench.clock.tick(backoffMaxMs);
  bench.store.failures = 2;
  await bench.close("r");
  assert.deepEqual(closedRows(bench, "r"), []);
  await bench.clock.tick(backoffMaxMs);
  assert.equal(closedRows(bench, "r").length, 1);
});

Deno.test("what a process says of a run that it does not close is refused", async () => {
  const bench = closingBench();
  await working(bench, "r");
  const { process, thread } = bench.at("r"), outcome = { kind: "done", content: "x", meta: {} } as const;
  bench.manager.onMessage(process, { t: "closed", runId: "r", attempt: thread.attempt, outcome });
  await bench.finish("r");
  bench.manager.onMessage(process, { t: "closed", runId: "r", attempt: thread.attempt, outcome });
  bench.manager.onMessage(process, {
    t: "finished",
    runId: "r",
    attempt: thread.attempt + 1,
    outcome: { kind: "completed" },
  });
  await bench.turn();
  assert.deepEqual(closedRows(bench, "r"), []);
  assert.deepEqual(bench.logged.map(({ type }) => type), ["run.refused", "run.refused", "run.refused"]);
  await bench.close("r");
  assert.equal(closedRows(bench, "r").length, 1);
});
