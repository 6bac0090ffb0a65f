import fc from "fast-check";
import assert from "node:assert/strict";
import { Harness, manual, plan } from "./harness.ts";

const t0 = Date.UTC(2026, 0, 1);

Deno.test("100 reloads a minute neither double nor skip a tick, nor move a window, of senses that did not change", async () => {
  // The bug would look like this: each edit of nerve.yaml makes every sense compute at once, or starves the slow ones.
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(1_199), { minLength: 100, maxLength: 100 }), async (gaps) => {
      const steady = (reloads: number) => [
        plan("quick", [{ intervalMs: 700 }]),
        plan("slow", [{ intervalMs: 13_000 }], { startupDelayMs: 900 }),
        plan("held", [{ intervalMs: 1_000 }], { throttleMs: 4_300, lastCronTick: reloads }),
        plan("cron", [{ cron: "*/5 * * * * *", timezone: "UTC" }]),
      ];
      const run = async (reload: boolean) => {
        const harness = new Harness(t0);
        harness.durationMs = (sense) => sense === "quick" ? 650 : 45;
        harness.start(...steady(0));
        for (const [index, gap] of gaps.entries()) {
          await harness.clock.tick(gap);
          if (!reload) continue;
          harness.scheduler.setPlans([...steady(index), plan(`new-${index % 7}`, [{ intervalMs: 300 + index }])]);
        }
        return ["quick", "slow", "held", "cron"].map((sense) => harness.starts(sense, t0));
      };
      assert.deepEqual(await run(true), await run(false));
    }),
    { numRuns: 5 },
  );
});

Deno.test("a reload keeps a pending trigger and its compute's number", async () => {
  const harness = new Harness(t0);
  harness.durationMs = () => 10;
  const plans = [plan("a", [{ intervalMs: 60_000 }], { throttleMs: 100 })];
  harness.start(...plans);
  await harness.clock.tick(50);
  const receipt = harness.scheduler.trigger("a", manual);
  harness.scheduler.setPlans(structuredClone(plans));
  assert.equal(harness.scheduler.view("a")?.pending?.computeId, receipt?.computeId);
  await harness.clock.tick(100);
  assert.deepEqual(harness.starts("a", t0), [0, 100]);
  assert.equal(harness.started[1]?.computeId, receipt?.computeId);
});

Deno.test("a changed plan keeps the schedules that it shares with the old one; a new one begins at once", async () => {
  const harness = new Harness(t0);
  harness.start(plan("a", [{ intervalMs: 1_000 }]), plan("b", [{ intervalMs: 1_000 }]));
  await harness.clock.tick(1_400);
  harness.scheduler.setPlans([
    plan("a", [{ intervalMs: 1_000, on: ["b"] }], { throttleMs: 10 }),
    plan("b", [{ intervalMs: 500 }]),
  ]);
  await harness.clock.tick(1_000);
  assert.deepEqual(harness.starts("a", t0), [0, 1_000, 2_000]);
  assert.deepEqual(harness.starts("b", t0), [0, 1_000, 1_400, 1_900, 2_400]);
});

Deno.test("a changed throttle applies to a compute that waits already", async () => {
  const harness = new Harness(t0);
  const withThrottle = (throttleMs: number | null) => [plan("a", [], { throttleMs })];
  harness.start(...withThrottle(10_000));
  harness.scheduler.trigger("a", manual);
  await harness.clock.tick(100);
  harness.scheduler.trigger("a", manual);
  harness.scheduler.setPlans(withThrottle(300));
  await harness.clock.tick(300);
  assert.deepEqual(harness.starts("a", t0), [0, 300]);
  harness.scheduler.trigger("a", manual);
  assert.equal(harness.scheduler.view("a")?.state, "waiting");
  harness.scheduler.setPlans(withThrottle(null));
  assert.deepEqual(harness.starts("a", t0), [0, 300, 400]);
  assert.equal(harness.clock.pending, 0, "the window that no longer matters left its timer");
});

Deno.test("a removed sense computes no more, its pending compute is reported, and it is forgotten after what runs", async () => {
  const harness = new Harness(t0);
  harness.durationMs = () => 200;
  harness.start(plan("a", [{ intervalMs: 1_000 }]), plan("b", []));
  await harness.clock.tick(50);
  const receipt = harness.scheduler.trigger("a", manual);
  harness.scheduler.setPlans([plan("b", [{ on: ["a"] }])]);
  assert.deepEqual(harness.droppedIds, [receipt?.computeId]);
  assert.equal(harness.scheduler.view("a"), null);
  assert.equal(harness.scheduler.trigger("a", manual), null);
  assert.equal(harness.scheduler.nextDueAt(["a"]), null);
  await harness.clock.tick(5_000);
  assert.deepEqual(harness.starts("a", t0), [0]);
  assert.equal(harness.clock.pending, 0);
});

Deno.test("a sense that comes back after it was forgotten is a new one, without a window from before", async () => {
  const harness = new Harness(t0);
  harness.durationMs = () => 500;
  const plans = [plan("a", [{ intervalMs: 60_000 }], { throttleMs: 10_000 })];
  harness.start(...plans);
  await harness.clock.tick(100);
  harness.scheduler.setPlans([]);
  await harness.clock.tick(500);
  harness.scheduler.setPlans(plans);
  await harness.clock.tick(1_000);
  assert.deepEqual(harness.starts("a", t0), [0, 600]);
});

Deno.test("a sense that comes back while its compute still runs does not overlap with it", async () => {
  const harness = new Harness(t0);
  harness.durationMs = () => 500;
  const plans = [plan("a", [{ intervalMs: 1_000 }])];
  harness.start(...plans);
  await harness.clock.tick(100);
  harness.scheduler.setPlans([]);
  await harness.clock.tick(100);
  harness.scheduler.setPlans(plans);
  await harness.clock.tick(100);
  assert.equal(harness.scheduler.view("a")?.state, "running_pending");
  // Its schedule began anew at 200; that first tick had to wait for the old compute.
  await harness.clock.tick(2_000);
  assert.deepEqual(harness.starts("a", t0), [0, 500, 1_200, 2_200]);
});

Deno.test("a sense that listened before a reload and does not after it is not woken", async () => {
  const harness = new Harness(t0);
  harness.start(plan("a", [{ on: ["s"] }]), plan("b", []));
  harness.scheduler.setPlans([plan("a", []), plan("b", [{ on: ["s"] }])]);
  harness.scheduler.signalled({ id: 1, sense: "s", payload: null, ts: t0 });
  await harness.clock.tick(0);
  assert.deepEqual(harness.started.map(({ sense }) => sense), ["b"]);
});
