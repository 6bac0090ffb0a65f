/** Runs that start later. Danger: one starts too early, twice or never, whatever clocks, queue and daemon do. */
import assert from "node:assert/strict";
import { momentBefore, readMoment } from "../../../src/base/moment.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { Bench } from "../../support/workflow_bench.ts";

const hourMs = 3_600_000, dayMs = 24 * hourMs;
const afterSpan = (bench: Bench, ms: number) => ({ starts: momentBefore(readMoment(bench.clock), -ms) });
const atTime = (bench: Bench, ms: number) => ({ starts: { wall: bench.clock.now() + ms, boot: null } });

Deno.test("a run that is planned is queued until its time, says so, and takes no slot", async () => {
  const bench = new Bench();
  const planned = await bench.start("a", afterSpan(bench, hourMs));
  assert.deepEqual([planned.status, planned.reason], [
    "queued",
    `starts at ${new Date(bench.clock.now() + hourMs).toISOString()}`,
  ]);
  await bench.start("b");
  await bench.turn();
  assert.deepEqual([bench.status("a"), bench.status("b")], ["queued", "started"]);
  await bench.finish("b");
  await bench.clock.tick(hourMs - 1_000);
  assert.equal(bench.status("a"), "queued");
  await bench.clock.tick(1_000);
  assert.deepEqual([bench.status("a"), bench.run("a").reason, bench.at("a").thread.attempt], ["started", null, 1]);
  assert.deepEqual(bench.rows("a"), ["run.queued", "run.started"]);
});

Deno.test("a clock that is set back makes a span no longer, and a time of day later", async () => {
  const bench = new Bench({ concurrency: 2 });
  await bench.start("span", afterSpan(bench, hourMs));
  await bench.start("time", atTime(bench, hourMs));
  bench.clock.jump(-dayMs);
  await bench.clock.tick(hourMs);
  assert.deepEqual([bench.status("span"), bench.status("time")], ["started", "queued"]);
  await bench.clock.tick(dayMs);
  assert.equal(bench.status("time"), "started");
});

Deno.test("a clock that is set forward starts both at once, each one time", async () => {
  const bench = new Bench({ concurrency: 2 });
  await bench.start("span", afterSpan(bench, hourMs));
  await bench.start("time", atTime(bench, hourMs));
  bench.clock.jump(dayMs);
  await bench.clock.tick(60_000);
  for (const id of ["span", "time"]) assert.deepEqual([bench.status(id), bench.run(id).attempt], ["started", 1]);
  await bench.clock.tick(2 * dayMs);
  for (const id of ["span", "time"]) assert.deepEqual(bench.rows(id), ["run.queued", "run.started"]);
});

Deno.test("a plan outlives the daemon: what came meanwhile starts at once, the rest at its time", async () => {
  const bench = new Bench({ concurrency: 2 });
  await bench.start("soon", afterSpan(bench, hourMs));
  await bench.start("late", afterSpan(bench, 3 * hourMs));
  await bench.manager.stop(0);
  const next = new Bench({ concurrency: 2 }, bench.store.afterCrash(), new FakeClock(bench.clock.now() + 2 * hourMs));
  await next.turn();
  assert.deepEqual([next.status("soon"), next.status("late")], ["started", "queued"]);
  await next.clock.tick(hourMs);
  assert.equal(next.status("late"), "started");
});

Deno.test("the id of a planned run attaches to it, and its time stays", async () => {
  const bench = new Bench();
  await bench.start("a", afterSpan(bench, hourMs));
  await bench.start("a", afterSpan(bench, 2 * hourMs));
  assert.equal(bench.rows("a").length, 1, "the id attaches to the plan, which keeps its time");
  await bench.clock.tick(hourMs);
  assert.equal(bench.status("a"), "started");
});

Deno.test("a planned run can be killed, and paused beyond its time", async () => {
  const bench = new Bench({ concurrency: 2 });
  for (const id of ["a", "b", "c"]) await bench.start(id, afterSpan(bench, hourMs));
  assert.equal((await bench.manager.killRun("a", null)).status, "killed");
  assert.equal((await bench.manager.pauseRun("b", null)).status, "paused");
  assert.equal((await bench.manager.pauseRun("c", null)).status, "paused");
  assert.equal((await bench.manager.resumeRun("c")).status, "queued");
  await bench.clock.tick(hourMs);
  assert.deepEqual(["a", "b", "c"].map((id) => bench.status(id)), ["killed", "paused", "started"]);
  await bench.manager.resumeRun("b");
  await bench.turn();
  assert.equal(bench.status("b"), "started");
});

Deno.test("when its time comes, a run meets the queue as one that was just asked for", async () => {
  for (const [overflow, expected] of [["drop", "dropped"], ["queue", "queued"]] as const) {
    const bench = new Bench({ concurrency: 1, overflow, maxQueue: overflow === "drop" ? 0 : 1 });
    await bench.start("now");
    await bench.start("later", afterSpan(bench, hourMs));
    await bench.clock.tick(hourMs);
    assert.deepEqual([bench.status("now"), bench.status("later")], ["started", expected], overflow);
  }
  const full = new Bench({ concurrency: 1, overflow: "queue", maxQueue: 1 });
  for (const id of ["now", "first"]) await full.start(id);
  await full.start("later", afterSpan(full, hourMs));
  assert.equal(full.status("first"), "queued", "what is planned takes no place in the queue");
  await full.clock.tick(hourMs);
  assert.deepEqual([full.status("first"), full.status("later")], ["dropped", "queued"]);
});

Deno.test("a planned run whose workflow drops what is too much starts where a slot is free", async () => {
  const bench = new Bench({ concurrency: 1, overflow: "drop", maxQueue: 0 });
  for (const id of ["a", "b"]) await bench.start(id, afterSpan(bench, hourMs));
  assert.equal(bench.manager.readLoads()[0]?.queued, 2);
  await bench.clock.tick(hourMs);
  assert.deepEqual([bench.status("a"), bench.status("b")], ["started", "dropped"]);
});

Deno.test("a planned run that was paused and resumed says again when it starts", async () => {
  const bench = new Bench(), { reason } = await bench.start("a", afterSpan(bench, hourMs));
  await bench.manager.pauseRun("a", null);
  assert.equal((await bench.manager.resumeRun("a")).reason, reason);
});

Deno.test("planned runs end when their workflow leaves the configuration", async () => {
  const bench = new Bench();
  await bench.start("a", afterSpan(bench, hourMs));
  bench.manager.configure([]);
  await bench.turn();
  assert.equal(bench.status("a"), "interrupted");
});
