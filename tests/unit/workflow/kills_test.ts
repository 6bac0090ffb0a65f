/**
 * Kills of runs that are in no process, and kills that come to the disk late. Those of runs at work are in
 * manager_kill_test.ts. Danger: a run that was told to be killed goes on.
 */
import assert from "node:assert/strict";
import type { RunChange } from "../../../src/protocol/run.ts";
import { toRunEnded } from "../../../src/workflow/local/kills.ts";
import { MemoryRunStore } from "../../support/memory_run_store.ts";
import { newRun, runRow } from "../../support/store_bench.ts";
import { Bench, running } from "../../support/workflow_bench.ts";

const hourMs = 3_600_000;

/** A change of run "a" comes to the disk that the manager does not know of yet. */
async function overtake(bench: Bench, change: RunChange): Promise<void> {
  assert.ok(await bench.store.transition("a", { from: ["started"] }, change, runRow("a")));
}

/** A kill of run "a" that the disk has refused, and that is still to be recorded. */
async function refused(): Promise<Bench> {
  const bench = await running("a");
  // The kill, and the first time that it is tried again: at once.
  bench.store.failures = 2;
  await assert.rejects(bench.manager.killRun("a", "enough"), { code: "STORE_FAILED" });
  await bench.turn();
  assert.deepEqual([bench.status("a"), bench.store.failures], ["started", 0]);
  return bench;
}

Deno.test("a run that waits for ever is killed, with the reason that was given, and its slot is free", async () => {
  const bench = new Bench();
  for (const id of ["a", "b"]) await bench.start(id);
  await bench.turn();
  await bench.wait("a", { kind: "event", name: "go", timeoutMs: null });
  assert.deepEqual([bench.status("a"), bench.status("b")], ["waiting", "queued"]);
  const { status, exitCode, reason, endedAt } = await bench.manager.killRun("a", "enough");
  assert.deepEqual([status, exitCode, reason, endedAt], ["killed", 137, "enough", bench.clock.now()]);
  await bench.turn();
  assert.deepEqual([bench.working(), bench.manager.readLoads()[0]?.waiting], [["b"], 0]);
});

Deno.test("a paused run is killed, and goes on no more, whatever it was before", async () => {
  for (const before of ["started", "queued"] as const) {
    const bench = new Bench();
    for (const id of ["other", "a"].slice(before === "queued" ? 0 : 1)) await bench.start(id);
    await bench.turn();
    await bench.manager.pauseRun("a", null);
    assert.equal((await bench.manager.killRun("a", null)).reason, "killed on request");
    await assert.rejects(bench.manager.resumeRun("a"), { code: "RUN_ENDED" });
    assert.equal(bench.manager.readLoads()[0]?.paused, 0);
  }
});

Deno.test("a kill that comes after an end is told what that was, also when only the disk knows it", async () => {
  const bench = await running("a");
  await overtake(bench, { status: "failed", exitCode: 1, reason: "f", endedAt: 5 });
  await assert.rejects(bench.manager.killRun("a", null), {
    code: "RUN_ENDED",
    message: "run a has already ended: failed, exit code 1",
  });
  assert.deepEqual([bench.status("a"), bench.run("a").reason], ["failed", "f"]);
});

Deno.test("a waiting run that is killed by two at once ends once: one is told so, and nothing stays in memory", async () => {
  const bench = new Bench({}, new MemoryRunStore(false));
  const started = bench.start("a");
  bench.store.commit();
  await started;
  await bench.turn();
  await bench.wait("a", { kind: "for", ms: hourMs });
  bench.store.commit();
  await bench.turn();
  const both = Promise.allSettled(["one", "two"].map((reason) => bench.manager.killRun("a", reason)));
  for (let n = 0; n < 3; n++) {
    await bench.turn();
    bench.store.commit();
  }
  const [first, second] = await both;
  assert.equal(first?.status, "fulfilled");
  assert.equal(second?.status === "rejected" ? second.reason.code : "told", "RUN_ENDED");
  // Its sleep is over.
  await bench.clock.tick(hourMs);
  const { status, reason } = bench.run("a");
  assert.deepEqual([status, reason, bench.clock.pending, bench.manager.readLoads()[0]?.waiting], [
    "killed",
    "one",
    0,
    0,
  ]);
});

Deno.test("a kill that the disk refused ends the run also when another attempt came to the disk before it", async () => {
  const bench = await refused();
  await overtake(bench, { status: "started", attempt: 2 });
  await bench.clock.tick(hourMs);
  assert.deepEqual([bench.status("a"), bench.run("a").attempt, bench.run("a").reason], ["killed", 2, "enough"]);
});

Deno.test("a kill that the disk refused leaves an end that came before it, and nothing is tried for ever", async () => {
  const bench = await refused();
  await overtake(bench, { status: "completed", exitCode: 0, endedAt: 5 });
  await bench.clock.tick(hourMs);
  assert.deepEqual([bench.status("a"), bench.run("a").exitCode], ["completed", 0]);
  assert.equal(bench.at("a").thread.aborted, "enough");
  await bench.finish("a", "failed");
  await assert.rejects(bench.manager.killRun("a", null), { code: "RUN_ENDED" });
  assert.deepEqual([bench.clock.pending, bench.manager.isBusy(1)], [0, false]);
});

Deno.test("a daemon that stops before a refused kill is recorded leaves no timer; the next one goes on with the run", async () => {
  const bench = await refused();
  bench.store.failures = 1_000;
  const stopped = bench.manager.stop(0);
  await bench.clock.tick(hourMs);
  await stopped;
  assert.equal(bench.clock.pending, 0);
  const next = new Bench({}, bench.store.afterCrash());
  await next.turn();
  assert.deepEqual([next.status("a"), next.working()], ["started", ["a"]]);
});

Deno.test("an ended run is told with its exit code, and one that had none without", () => {
  const ended = toRunEnded(newRun("r", { status: "completed", exitCode: 0 }));
  assert.deepEqual([ended.code, ended.message, ended.hint], [
    "RUN_ENDED",
    "run r has already ended: completed, exit code 0",
    "nerve workflow inspect r",
  ]);
  assert.equal(toRunEnded(newRun("r", { status: "dropped" })).message, "run r has already ended: dropped");
});
