import assert from "node:assert/strict";
import { probeMaxMs } from "../../../src/base/limits.ts";
import { Bench, defaults } from "../../support/workflow_bench.ts";

/** A run "r" whose message was stored after its code was replaced: process 2 is asked, process 1 waits. */
async function asked(plan: Partial<typeof defaults> = {}): Promise<Bench> {
  const bench = new Bench(plan);
  await bench.start("r");
  await bench.turn();
  bench.replaceCode();
  await bench.sendMessage("r");
  return bench;
}

function whyStayed(bench: Bench): unknown[] {
  return bench.logged.filter(({ type }) => type === "run.stayed").map(({ payload }) =>
    Reflect.get(Object(payload), "why")
  );
}

Deno.test("a run moves to new code that agrees, at its next message, without its thread being sent again", async () => {
  const bench = await asked();
  const [old, next] = bench.host.processes;
  assert.deepEqual(
    [old?.threads.get("r")?.waits, next?.threads.get("r")?.probed],
    [true, true],
    "nothing runs meanwhile",
  );
  assert.deepEqual(next?.threads.get("r")?.messages.map(({ round }) => round), [1]);
  await bench.answer("r", null);
  assert.equal(old?.threads.get("r")?.aborted, "the run has moved to new code");
  assert.deepEqual([bench.at("r").process, bench.run("r").attempt, bench.freed], [next, 2, [1]]);
  assert.deepEqual(bench.rows("r"), ["run.started", "run.message", "run.resumed"]);
  await bench.sendMessage("r");
  await bench.finish("r");
  assert.deepEqual([bench.status("r"), bench.run("r").rounds, bench.logged], ["completed", 2, []]);
});

Deno.test("after a move, what the old process says about the run is refused", async () => {
  const bench = await asked();
  await bench.answer("r", null);
  const [old] = bench.host.processes;
  if (old === undefined) return assert.fail();
  bench.manager.onMessage(old, { t: "finished", runId: "r", attempt: 1, outcome: { kind: "completed" } });
  bench.manager.onMessage(old, {
    t: "message",
    runId: "r",
    attempt: 1,
    round: 2,
    role: "r",
    content: "late",
    meta: {},
  });
  await bench.turn();
  assert.deepEqual([bench.status("r"), bench.run("r").rounds], ["started", 1]);
  assert.deepEqual(bench.logged.map(({ type }) => type), ["run.refused", "run.refused"]);
});

Deno.test("a run stays on its old code when the new code disagrees, and is asked about again only after another change", async () => {
  const bench = await asked();
  await bench.answer("r", "round 1 differs");
  assert.deepEqual([bench.at("r").process.id, bench.run("r").attempt, whyStayed(bench)], [1, 1, ["round 1 differs"]]);
  await bench.sendMessage("r");
  assert.deepEqual([bench.at("r").process.id, bench.at("r").thread.waits], [1, false]);
  bench.replaceCode();
  await bench.sendMessage("r");
  await bench.answer("r", null);
  assert.deepEqual([bench.at("r").process.id, bench.run("r").attempt, bench.run("r").rounds], [3, 2, 3]);
});

Deno.test("a run stays when the new code dies, does not load or does not answer in time", async () => {
  const dies = await asked();
  await dies.die(dies.host.processes[1] ?? assert.fail());
  assert.deepEqual(whyStayed(dies), ["the process with the new code ended: out of memory"]);
  const late = await asked();
  await late.clock.tick(probeMaxMs);
  assert.deepEqual(whyStayed(late), ["the new code did not say within 15s whether it agrees"]);
  for (const bench of [dies, late]) {
    assert.deepEqual([bench.at("r").process.id, bench.at("r").thread.waits], [1, false]);
    await bench.finish("r");
    assert.deepEqual([bench.status("r"), bench.run("r").attempt, bench.clock.pending], ["completed", 1, 0]);
  }
});

Deno.test("a death of the old process while the new code is asked loses nothing", async () => {
  for (const why of [null, "round 1 differs"]) {
    const bench = await asked();
    await bench.die(bench.host.processes[0] ?? assert.fail());
    assert.deepEqual(bench.logged.map(({ type }) => type), ["run.crashed"]);
    await bench.answer("r", why);
    assert.deepEqual([bench.at("r").process.id, bench.run("r").attempt], [2, 2]);
    assert.deepEqual(bench.at("r").thread.messages.map(({ round }) => round), [1]);
  }
});

Deno.test("a kill while the new code is asked, and an end that crosses with the question, end the run at once", async () => {
  const killed = await asked();
  await killed.manager.killRun("r", null);
  await killed.turn();
  assert.equal(killed.status("r"), "killed");
  const ended = await asked();
  const [old] = ended.host.processes;
  if (old === undefined) return assert.fail();
  ended.manager.onMessage(old, { t: "finished", runId: "r", attempt: 1, outcome: { kind: "completed" } });
  await ended.turn();
  assert.equal(ended.status("r"), "completed");
  for (const bench of [killed, ended]) {
    assert.deepEqual(bench.host.processes[1]?.threads.size, 0, "the question is withdrawn");
    assert.deepEqual([bench.manager.isBusy(1), bench.manager.isBusy(2), bench.clock.pending], [false, false, 0]);
  }
});

Deno.test("a run is not asked about while the new process has no room for its messages", async () => {
  const bench = new Bench({ concurrency: 2, memoryBytes: 4_000 });
  for (const id of ["r", "s"]) await bench.start(id);
  await bench.turn();
  bench.replaceCode();
  for (const id of ["r", "s"]) await bench.sendMessage(id, { content: "x".repeat(1_500) });
  const asked = bench.host.processes[1]?.threads;
  assert.deepEqual([...asked?.keys() ?? []], ["r"], "the second goes on where it is");
  await bench.answer("r", null);
  await bench.finish("r");
  await bench.sendMessage("s", { content: "" });
  assert.ok(asked?.get("s")?.probed, "until there is room");
});

Deno.test("a stop while the new code is asked leaves the run for the next start", async () => {
  const bench = await asked();
  await bench.manager.stop(0);
  assert.deepEqual([bench.status("r"), bench.run("r").attempt, bench.run("r").rounds], ["started", 1, 1]);
  assert.equal(bench.clock.pending, 0);
});
