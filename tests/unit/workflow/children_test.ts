/** Runs that wait for runs: each child starts once, one message comes when all have ended, none outlives its parent. */
import assert from "node:assert/strict";
import { childDepthMax } from "../../../src/base/wait_limits.ts";
import { MemoryRunStore } from "../../support/memory_run_store.ts";
import { Bench, defaults } from "../../support/workflow_bench.ts";

const asked = (...workflows: string[]) => ({
  kind: "children" as const,
  runs: workflows.map((workflow) => ({ workflow, prompt: "p", payload: { a: 1 }, maxRounds: null })),
});

/** A bench with the workflow "w" and "kids", where run "a" of "w" waits for runs of these workflows. */
async function waiting(workflows: string[], kids = {}, store = new MemoryRunStore()): Promise<Bench> {
  const bench = new Bench({}, store);
  bench.manager.configure([defaults, { ...defaults, name: "kids", concurrency: 2, ...kids }]);
  await bench.start("a");
  await bench.turn();
  await bench.wait("a", asked(...workflows));
  await bench.turn();
  return bench;
}

const told = (bench: Bench, runId = "a") => bench.at(runId).thread.messages.at(-1)?.meta.runs;

Deno.test("a run waits for its children, which have ids of their own, and one message tells of all", async () => {
  const bench = await waiting(["kids", "kids"]);
  assert.deepEqual([bench.status("a"), bench.working()], ["waiting", ["a.1.1", "a.1.2"]]);
  assert.equal(bench.run("a").reason, "role cool waits for 2 runs");
  const { trigger, causeId, prompt, payload } = bench.run("a.1.2");
  assert.deepEqual(trigger, { kind: "run", run: "a", round: 1, depth: 1 });
  assert.deepEqual([prompt, payload], ["p", { a: 1 }]);
  assert.equal(bench.store.disk.rows[(causeId ?? 0) - 1]?.type, "run.waiting", "its cause is the row of its parent");
  await bench.sendMessage("a.1.2", { content: "fine" });
  await bench.finish("a.1.2");
  assert.equal(bench.status("a"), "waiting");
  await bench.finish("a.1.1", "failed");
  await bench.turn();
  assert.deepEqual(told(bench), [
    { runId: "a.1.1", status: "failed", exitCode: 1, content: "role r failed (index.ts:3:7)" },
    { runId: "a.1.2", status: "completed", exitCode: 0, content: "fine" },
  ]);
  assert.equal(bench.at("a").thread.messages[0]?.content, "2 runs: 1 failed, 1 completed");
  assert.deepEqual(bench.rows("a"), ["run.started", "run.waiting", "run.message"]);
  assert.equal(bench.store.hasOpenChildren("a"), false);
});

Deno.test("no runs are over at once", async () => {
  const bench = await waiting([]);
  await bench.turn();
  assert.deepEqual([bench.status("a"), told(bench)], ["started", []]);
  assert.equal(bench.at("a").thread.messages[0]?.content, "no runs");
});

Deno.test("a run that cannot be started is told as refused, and does not keep the others from starting", async () => {
  const bench = await waiting(["gone", "kids"]);
  assert.deepEqual(bench.rows("a"), ["run.started", "run.waiting", "run.child_refused"]);
  await bench.finish("a.1.2");
  await bench.turn();
  const runs = told(bench) as { status: string; content: string }[];
  assert.deepEqual(runs.map(({ status }) => status), ["refused", "completed"]);
  assert.match(runs[0]?.content ?? "", /workflow gone|no workflow "?gone/);
});

Deno.test("a run with the id of a child that was started by hand is not taken for it", async () => {
  const bench = new Bench({ concurrency: 9 });
  await bench.start("a.1.1", { prompt: "p", payload: { a: 1 } });
  await bench.start("a");
  await bench.turn();
  await bench.wait("a", asked("w", "w"));
  await bench.turn();
  await bench.finish("a.1.2");
  await bench.turn();
  const runs = told(bench) as { status: string; content: string }[];
  assert.deepEqual(runs.map(({ status }) => status), ["refused", "completed"]);
  assert.equal(runs[0]?.content, "run a.1.1 exists, and is not one of a");
  assert.equal(bench.status("a.1.1"), "started");
});

Deno.test("a child that its queue drops, and one that is killed, are told as they ended", async () => {
  const bench = await waiting(["kids", "kids", "kids"], { concurrency: 1, maxQueue: 1 });
  await bench.manager.killRun("a.1.3", null);
  await bench.finish("a.1.1");
  await bench.turn();
  assert.deepEqual(
    (told(bench) as { status: string; exitCode: number | null }[]).map((each) => [each.status, each.exitCode]),
    [
      ["completed", 0],
      ["dropped", null],
      ["killed", 137],
    ],
  );
});

Deno.test("children end with their parent, and theirs with them: killed, or interrupted", async () => {
  for (const how of ["killed", "interrupted"]) {
    const bench = await waiting(["kids", "kids", "kids"]);
    await bench.wait("a.1.1", asked("kids"));
    await bench.turn();
    if (how === "killed") await bench.manager.killRun("a", null);
    else bench.manager.configure([{ ...defaults, name: "kids" }]);
    for (let turns = 0; turns < 4; turns++) await bench.turn();
    const ids = ["a", "a.1.1", "a.1.2", "a.1.3", "a.1.1.1.1"];
    assert.deepEqual(ids.map((id) => bench.status(id)), [how, "killed", "killed", "killed", "killed"]);
    assert.equal(bench.run("a.1.2").reason, `run a, which waited for it, was ${how}`);
    assert.deepEqual(bench.store.listOpenParents("", 9), []);
  }
});

Deno.test("a death of the daemon at each commit: every child starts once, and the message comes once", async () => {
  for (let commits = 1; commits <= 8; commits++) {
    let store = new MemoryRunStore(false);
    const first = new Bench({ concurrency: 9 }, store);
    const started = first.start("a");
    store.commit();
    await started;
    await first.turn();
    await first.wait("a", asked("w", "w", "gone"));
    for (let left = commits - 1; left > 0; left--) {
      store.commit();
      await first.turn();
    }
    store = store.afterCrash();
    const next = new Bench({ concurrency: 9 }, store);
    for (let turns = 0; turns < 60 && store.disk.runs.get("a")?.status !== "completed"; turns++) {
      store.commit();
      await next.turn();
      for (const id of next.working()) {
        if (id === "a" && (store.disk.messages.get("a")?.length ?? 0) === 0) {
          await next.wait("a", asked("w", "w", "gone"));
        } else await next.finish(id);
      }
    }
    assert.equal(next.status("a"), "completed", `after ${commits} commits`);
    const starts = store.disk.rows.filter(({ type }) => type === "run.started").map(({ refId }) => refId);
    assert.deepEqual(starts, ["a", "a.1.1", "a.1.2"]);
    assert.deepEqual(store.disk.messages.get("a")?.map(({ content }) => content), ["3 runs: 2 completed, 1 refused"]);
  }
});

Deno.test("a parent that was killed by a daemon that died takes its children with it at the next start", async () => {
  const store = new MemoryRunStore(), bench = await waiting(["kids", "kids", "kids"], {}, store);
  // The kill of the parent is on disk, but not those of its children.
  const disk = store.afterCrash(), run = disk.get("a") ?? assert.fail();
  const row = { source: "workflow:w", type: "run.killed", refId: "a", causeId: null, payload: null } as const;
  await disk.transition("a", { from: ["waiting"] }, { status: "killed", endedAt: bench.clock.now() }, row);
  assert.equal(run.status, "waiting");
  const next = new Bench({ name: "kids" }, disk);
  for (let turns = 0; turns < 4; turns++) await next.turn();
  assert.deepEqual(["a.1.1", "a.1.2", "a.1.3"].map((id) => next.status(id)), ["killed", "killed", "killed"]);
  assert.deepEqual(disk.listOpenParents("", 9), []);
});

Deno.test("children of a paused run go on; it is told of them when it is resumed", async () => {
  const bench = await waiting(["kids"]);
  await bench.manager.pauseRun("a", null);
  await bench.finish("a.1.1");
  await bench.turn();
  assert.equal(bench.status("a"), "paused");
  await bench.manager.resumeRun("a");
  await bench.turn();
  assert.deepEqual([bench.status("a"), (told(bench) as unknown[]).length], ["started", 1]);
});

Deno.test("a run that would wait for one that waits for its slot is told so; with waiting: release it goes on", async () => {
  const bench = new Bench();
  await bench.start("a");
  await bench.turn();
  await bench.wait("a", asked("w"));
  await bench.turn();
  assert.deepEqual(told(bench), [{
    runId: "a.1.1",
    status: "refused",
    exitCode: null,
    content: "it would never start: run a, which waits for it, holds the only slot of workflow w;" +
      " raise its concurrency, or let it say waiting: release",
  }]);
  const free = new Bench({ waiting: "release" });
  await free.start("a");
  await free.turn();
  await free.wait("a", asked("w"));
  await free.turn();
  assert.deepEqual(free.working(), ["a.1.1"]);
});

Deno.test("a workflow that starts itself without end fails with a reason, and so do ids that would be too long", async () => {
  const bench = new Bench({ waiting: "release", concurrency: 99 });
  await bench.start("a");
  let last = "a";
  for (let depth = 0; depth <= childDepthMax; depth++, last = `${last}.1.1`) {
    await bench.turn();
    await bench.wait(last, asked("w"));
    await bench.turn();
  }
  last = last.slice(0, -".1.1".length);
  assert.deepEqual([bench.status(last), bench.run(last).exitCode], ["failed", 1]);
  assert.match(bench.run(last).reason ?? "", /^round 1: role cool cannot start runs: 8 runs wait for this one already/);
  const long = "x".repeat(128);
  await bench.start(long);
  await bench.turn();
  await bench.wait(long, asked("w"));
  assert.match(bench.run(long).reason ?? "", /their ids would be longer than 128 characters/);
});

Deno.test("a child that the disk refuses is started when the disk allows", async () => {
  const store = new MemoryRunStore(false), bench = new Bench({ concurrency: 9 }, store);
  const started = bench.start("a");
  store.commit();
  await started;
  await bench.turn();
  await bench.wait("a", asked("w"));
  store.commit();
  await bench.turn();
  store.failures = 1;
  store.commit();
  await bench.turn();
  assert.equal(store.get("a.1.1"), null);
  await bench.clock.tick(60_000);
  store.commit();
  await bench.turn();
  assert.deepEqual(bench.working(), ["a.1.1"]);
  assert.match(bench.problems.at(-1) ?? "", /^the runs that a waits for cannot be looked after; retrying: /);
});

Deno.test("an end that a failed commit takes back is not told: the child may end in another way", async () => {
  const store = new MemoryRunStore(false), bench = new Bench({ concurrency: 9 }, store);
  const settle = async () => {
    for (let commits = 0; commits < 5; commits++) {
      await bench.turn();
      store.commit();
    }
    await bench.turn();
  };
  void bench.start("a");
  await settle();
  await bench.wait("a", asked("w", "w"));
  await settle();
  void bench.finish("a.1.1");
  await bench.turn();
  store.commit();
  // It is on its way to the disk when the parent checks both.
  void bench.finish("a.1.2");
  await bench.turn();
  store.failures = 1;
  store.commit();
  const killed = bench.manager.killRun("a.1.2", null);
  await settle();
  assert.equal((await killed).status, "killed");
  for (let seconds = 0; seconds < 5; seconds++) {
    await bench.clock.tick(1_000);
    await settle();
  }
  assert.deepEqual((told(bench) as { status: string }[]).map(({ status }) => status), ["completed", "killed"]);
  assert.deepEqual([bench.status("a"), bench.status("a.1.2")], ["started", "killed"]);
});
