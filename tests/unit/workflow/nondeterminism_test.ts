import assert from "node:assert/strict";
import { backoffMaxMs } from "../../../src/base/limits.ts";
import { Bench, running } from "../../support/workflow_bench.ts";

/** A run "r" of two attempts, the second of which contradicts its first message. */
async function held(): Promise<Bench> {
  const bench = new Bench();
  await bench.start("r");
  await bench.turn();
  await bench.sendMessage("r");
  await bench.die(bench.at("r").process);
  await bench.contradict("r");
  return bench;
}

Deno.test("a run whose code contradicts its messages is paused with the reason, not failed, and keeps its slot", async () => {
  const bench = await held();
  const { status, reason, endedAt, attempt } = bench.run("r");
  assert.deepEqual([status, reason, endedAt, attempt], ["paused", "paused: round 1 differs", null, 2]);
  assert.deepEqual([bench.rows("r").at(-1), bench.store.readPause("r")?.from], ["run.paused", "started"]);
  assert.deepEqual(bench.manager.describeHeldRuns(), ["run r of w is paused: round 1 differs"]);
  await bench.start("next");
  await bench.clock.tick(3_600_000);
  assert.deepEqual([bench.status("next"), bench.working()], ["queued", []]);
  await bench.manager.killRun("r", null);
  await bench.turn();
  assert.deepEqual([bench.status("r"), bench.run("r").reason, bench.status("next")], [
    "killed",
    "killed on request",
    "started",
  ]);
});

Deno.test("such a run goes on when its code is replaced, and is paused again by code that contradicts it too", async () => {
  const bench = await held();
  bench.replaceCode();
  await bench.turn();
  assert.deepEqual([bench.run("r").attempt, bench.run("r").reason, bench.working()], [3, null, ["r"]]);
  await bench.contradict("r");
  assert.deepEqual([bench.run("r").reason, bench.working()], ["paused: round 1 differs", []]);
  bench.replaceCode();
  await bench.turn();
  await bench.finish("r");
  assert.deepEqual([bench.status("r"), bench.run("r").reason], ["completed", null]);
});

Deno.test("the next daemon tries other code and leaves a run to its code if that is the same; it ends with its workflow", async () => {
  const { store, manager } = await held();
  await manager.stop(0);
  const same = new Bench({}, store.afterCrash());
  await same.turn();
  assert.deepEqual([same.status("r"), same.working()], ["paused", []]);
  const bench = new Bench({}, store.afterCrash(), undefined, "v2");
  await bench.turn();
  assert.deepEqual([bench.run("r").attempt, bench.run("r").reason, bench.working()], [3, null, ["r"]]);
  await bench.contradict("r");
  assert.deepEqual([bench.status("r"), bench.run("r").reason], ["paused", "paused: round 1 differs"]);
  bench.manager.configure([]);
  await bench.turn();
  assert.equal(bench.status("r"), "interrupted");
});

Deno.test("code that is replaced while the pause is being written is tried at once", async () => {
  const bench = new Bench();
  await bench.start("r");
  await bench.turn();
  await bench.sendMessage("r");
  await bench.die(bench.at("r").process);
  const contradicted = bench.contradict("r");
  bench.replaceCode();
  await contradicted;
  await bench.turn();
  assert.deepEqual([bench.run("r").attempt, bench.run("r").reason, bench.working()], [3, null, ["r"]]);
});

Deno.test("a run whose code is accepted goes on with its rounds as they are, also in the next daemon", async () => {
  const bench = await held();
  await bench.manager.resumeRun("r");
  await bench.turn();
  await bench.contradict("r");
  assert.deepEqual([bench.status("r"), bench.run("r").attempt], ["paused", 3], "not without being told so");
  const resumed = await bench.manager.resumeRun("r", true);
  assert.deepEqual([resumed.status, resumed.attempt, resumed.reason], ["started", 4, null]);
  await bench.turn();
  assert.deepEqual([bench.working(), bench.at("r").thread.accepted], [["r"], 1]);
  await bench.sendMessage("r");
  const next = new Bench({}, bench.store.afterCrash());
  await next.turn();
  assert.deepEqual(
    [next.at("r").thread.accepted, next.at("r").thread.messages.length],
    [1, 2],
    "the next round counts",
  );
  await next.finish("r");
  assert.equal(next.status("r"), "completed");
  await assert.rejects(next.manager.resumeRun("r", true), { code: "RUN_ENDED" });
});

Deno.test("a run that waits and whose code is accepted keeps that also for what its wait says", async () => {
  const bench = await running("r");
  await bench.wait("r", { kind: "for", ms: 60_000 });
  await bench.manager.pauseRun("r", null);
  bench.replaceCode();
  assert.equal((await bench.manager.resumeRun("r", true)).status, "waiting");
  await bench.clock.tick(60_000);
  await bench.turn();
  assert.deepEqual([bench.at("r").thread.messages.length, bench.at("r").thread.accepted], [1, 1]);
});

Deno.test("an acceptance that the disk refuses leaves the run paused", async () => {
  const bench = await held();
  bench.store.failures = 1;
  await assert.rejects(bench.manager.resumeRun("r", true), { code: "STORE_FAILED" });
  assert.deepEqual([bench.run("r").reason, bench.working()], ["paused: round 1 differs", []]);
  await bench.manager.resumeRun("r", true);
  await bench.turn();
  assert.deepEqual(bench.working(), ["r"]);
});

Deno.test("a run that a person has paused is not resumed for its code", async () => {
  const bench = new Bench();
  await bench.start("r");
  await bench.turn();
  await bench.manager.pauseRun("r", null);
  bench.replaceCode();
  await bench.turn();
  assert.deepEqual([bench.status("r"), bench.manager.describeHeldRuns()], ["paused", []]);
});

Deno.test("a run that is killed while its code is replaced stays killed, and a disk that refuses leaves it paused", async () => {
  const bench = await held();
  bench.store.failures = 1;
  bench.replaceCode();
  await bench.turn();
  assert.deepEqual([bench.status("r"), bench.problems.length], ["paused", 1]);
  const killed = bench.manager.killRun("r", null);
  bench.replaceCode();
  await killed;
  await bench.turn();
  assert.deepEqual([bench.status("r"), bench.at("r").thread.aborted], ["killed", "killed on request"]);
  assert.equal(bench.problems.length, 1);
});

Deno.test("a log that cannot say what was accepted is asked again, and costs nobody the run", async () => {
  const bench = await held(), read = bench.store.readAccepted.bind(bench.store);
  bench.store.readAccepted = () => {
    throw new Error("the file is damaged");
  };
  await bench.manager.resumeRun("r", true);
  await bench.turn();
  assert.deepEqual([bench.working(), bench.problems.length > 0], [[], true]);
  bench.store.readAccepted = read;
  await bench.clock.tick(backoffMaxMs);
  assert.deepEqual([bench.working(), bench.at("r").thread.accepted], [["r"], 1]);
});

Deno.test("whoever reads that a run is paused may resume it, also before the manager knows of the commit", async () => {
  const bench = new Bench();
  await bench.start("r");
  await bench.turn();
  await bench.sendMessage("r");
  await bench.die(bench.at("r").process);
  const contradicted = bench.contradict("r");
  assert.equal(bench.store.get("r")?.status, "paused");
  const resumed = await bench.manager.resumeRun("r", true);
  await contradicted;
  assert.equal(resumed.status, "started");
});
