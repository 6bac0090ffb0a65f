import assert from "node:assert/strict";
import fc from "../../support/fast_check.ts";
import { manual, plan, SchedulerBench } from "../../support/scheduler_bench.ts";

const t0 = Date.UTC(2026, 0, 1);

Deno.test("100 reloads a minute neither double nor skip a tick, nor move a window, of senses that did not change", async () => {
  // The bug would be: each edit of nerve.yaml makes every sense compute at once, or starves the slow ones.
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(1_199), { minLength: 100, maxLength: 100 }), async (gaps) => {
      const steady = (reloads: number) => [
        plan("quick", [{ intervalMs: 700 }]),
        plan("slow", [{ intervalMs: 13_000 }], { startupDelayMs: 900 }),
        plan("held", [{ intervalMs: 1_000 }], { throttleMs: 4_300, lastCronTick: reloads }),
        plan("cron", [{ cron: "*/5 * * * * *", timezone: "UTC" }]),
      ];
      const run = async (reload: boolean) => {
        const bench = new SchedulerBench(t0);
        bench.durationMs = (sense) => sense === "quick" ? 650 : 45;
        bench.start(...steady(0));
        for (const [index, gap] of gaps.entries()) {
          await bench.clock.tick(gap);
          if (!reload) continue;
          bench.scheduler.setPlans([...steady(index), plan(`new-${index % 7}`, [{ intervalMs: 300 + index }])]);
        }
        return ["quick", "slow", "held", "cron"].map((sense) => bench.starts(sense, t0));
      };
      assert.deepEqual(await run(true), await run(false));
    }),
    { numRuns: 5 },
  );
});

Deno.test("a reload keeps a pending trigger and its compute's number", async () => {
  const bench = new SchedulerBench(t0);
  bench.durationMs = () => 10;
  const plans = [plan("a", [{ intervalMs: 60_000 }], { throttleMs: 100 })];
  bench.start(...plans);
  await bench.clock.tick(50);
  const receipt = bench.scheduler.trigger("a", manual);
  bench.scheduler.setPlans(structuredClone(plans));
  assert.equal(bench.scheduler.view("a")?.pending?.computeId, receipt?.computeId);
  await bench.clock.tick(100);
  assert.deepEqual(bench.starts("a", t0), [0, 100]);
  assert.equal(bench.started[1]?.computeId, receipt?.computeId);
});

Deno.test("a changed plan keeps the schedules that it shares with the old one; a new one begins at once", async () => {
  const bench = new SchedulerBench(t0);
  bench.start(plan("a", [{ intervalMs: 1_000 }]), plan("b", [{ intervalMs: 1_000 }]));
  await bench.clock.tick(1_400);
  bench.scheduler.setPlans([
    plan("a", [{ intervalMs: 1_000, on: ["b"] }], { throttleMs: 10 }),
    plan("b", [{ intervalMs: 500 }]),
  ]);
  await bench.clock.tick(1_000);
  assert.deepEqual(bench.starts("a", t0), [0, 1_000, 2_000]);
  assert.deepEqual(bench.starts("b", t0), [0, 1_000, 1_400, 1_900, 2_400]);
});

Deno.test("a changed throttle applies to a compute that already waits", async () => {
  const bench = new SchedulerBench(t0);
  const withThrottle = (throttleMs: number | null) => [plan("a", [], { throttleMs })];
  bench.start(...withThrottle(10_000));
  bench.scheduler.trigger("a", manual);
  await bench.clock.tick(100);
  bench.scheduler.trigger("a", manual);
  bench.scheduler.setPlans(withThrottle(300));
  await bench.clock.tick(300);
  assert.deepEqual(bench.starts("a", t0), [0, 300]);
  bench.scheduler.trigger("a", manual);
  assert.equal(bench.scheduler.view("a")?.state, "waiting");
  bench.scheduler.setPlans(withThrottle(null));
  assert.deepEqual(bench.starts("a", t0), [0, 300, 400]);
  assert.equal(bench.clock.pending, 0, "the window that no longer matters left its timer");
});

Deno.test("a removed sense computes no more, its pending compute is reported, and it is forgotten after its running one", async () => {
  const bench = new SchedulerBench(t0);
  bench.durationMs = () => 200;
  bench.start(plan("a", [{ intervalMs: 1_000 }]), plan("b", []));
  await bench.clock.tick(50);
  const receipt = bench.scheduler.trigger("a", manual);
  bench.scheduler.setPlans([plan("b", [{ on: ["a"] }])]);
  assert.deepEqual(bench.droppedIds, [receipt?.computeId]);
  assert.equal(bench.scheduler.view("a"), null);
  assert.equal(bench.scheduler.trigger("a", manual), null);
  assert.equal(bench.scheduler.nextDueAt(["a"]), null);
  await bench.clock.tick(5_000);
  assert.deepEqual(bench.starts("a", t0), [0]);
  assert.equal(bench.clock.pending, 0);
});

Deno.test("a sense that comes back after it was forgotten has no window from before, and keeps its interval", async () => {
  const bench = new SchedulerBench(t0);
  bench.durationMs = () => 500;
  const plans = [plan("a", [{ intervalMs: 60_000 }], { throttleMs: 10_000 })];
  bench.start(...plans);
  await bench.clock.tick(100);
  bench.scheduler.setPlans([]);
  await bench.clock.tick(500);
  bench.scheduler.setPlans(plans);
  bench.scheduler.trigger("a", manual);
  await bench.clock.tick(60_000);
  assert.deepEqual(bench.starts("a", t0), [0, 600, 60_000]);
});

Deno.test("a sense that comes back while its compute still runs does not overlap with it", async () => {
  const bench = new SchedulerBench(t0);
  bench.durationMs = () => 500;
  const plans = [plan("a", [{ intervalMs: 1_000 }])];
  bench.start(...plans);
  await bench.clock.tick(100);
  bench.scheduler.setPlans([]);
  await bench.clock.tick(100);
  bench.scheduler.setPlans(plans);
  bench.scheduler.trigger("a", manual);
  await bench.clock.tick(100);
  assert.equal(bench.scheduler.view("a")?.state, "running_pending");
  await bench.clock.tick(2_000);
  assert.deepEqual(bench.starts("a", t0), [0, 500, 1_000, 2_000]);
});

Deno.test("a sense that listened before a reload but not after it is not triggered", async () => {
  const bench = new SchedulerBench(t0);
  bench.start(plan("a", [{ on: ["s"] }]), plan("b", []));
  bench.scheduler.setPlans([plan("a", []), plan("b", [{ on: ["s"] }])]);
  bench.scheduler.onSignal({ id: 1, sense: "s", payload: null, ts: t0 });
  await bench.clock.tick(0);
  assert.deepEqual(bench.started.map(({ sense }) => sense), ["b"]);
});
