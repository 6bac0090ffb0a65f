import assert from "node:assert/strict";
import { prepareAheadMs } from "../../../src/base/limits.ts";
import type { Signal } from "../../../src/protocol/signal.ts";
import fc from "../../support/fast_check.ts";
import { manual, plan, SchedulerBench } from "../../support/scheduler_bench.ts";

const t0 = Date.UTC(2026, 0, 1);
const signalOf = (sense: string, id = 1): Signal => ({ id, sense, payload: null, ts: t0 });

Deno.test("the first tick of an interval comes at start, the next ones from the schedule", async () => {
  const bench = new SchedulerBench(t0);
  bench.start(plan("a", [{ intervalMs: 100 }]));
  await bench.clock.tick(350);
  assert.deepEqual(bench.starts("a", t0), [0, 100, 200, 300]);
  const [first] = bench.started;
  assert.deepEqual(first?.trigger, { kind: "interval", due: t0, coalesced: 0 });
  bench.scheduler.stop();
  assert.equal(bench.clock.pending, 0, "a stopped scheduler left a timer");
});

Deno.test("before start nothing is scheduled and no trigger is accepted", async () => {
  const bench = new SchedulerBench();
  bench.scheduler.setPlans([plan("a", [{ intervalMs: 100 }])]);
  assert.equal(bench.scheduler.trigger("a", manual), null);
  await bench.clock.tick(1_000);
  assert.deepEqual(bench.started, []);
  assert.equal(bench.clock.pending, 0);
});

Deno.test("startup_delay shifts the first interval tick and all later ones", async () => {
  const bench = new SchedulerBench(t0);
  bench.start(plan("a", [{ intervalMs: 1_000 }], { startupDelayMs: 250 }));
  assert.equal(bench.scheduler.view("a")?.nextDue, t0 + 250);
  await bench.clock.tick(3_000);
  assert.deepEqual(bench.starts("a", t0), [250, 1_250, 2_250]);
});

Deno.test("senses with the same interval start together, and none is delayed for another", async () => {
  const bench = new SchedulerBench(t0);
  const names = Array.from({ length: 200 }, (_, index) => `s${index}`);
  bench.durationMs = () => 40;
  bench.start(...names.map((name) => plan(name, [{ intervalMs: 1_000 }])));
  assert.equal(bench.clock.pending, 1, "one timer of the clock serves all");
  await bench.clock.tick(2_500);
  for (const name of names) assert.deepEqual(bench.starts(name, t0), [0, 1_000, 2_000]);
});

Deno.test("intervals do not drift over 1,000 ticks, however long computes take", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 40, max: 5_000 }),
      fc.infiniteStream(fc.nat(100)),
      async (intervalMs, percents) => {
        const bench = new SchedulerBench(t0);
        bench.durationMs = () => {
          const percent: number = percents.next().value;
          return Math.floor(intervalMs * percent / 101);
        };
        bench.start(plan("a", [{ intervalMs }]));
        await bench.clock.tick(intervalMs * 1_000);
        assert.deepEqual(bench.starts("a", t0), Array.from({ length: 1_001 }, (_, k) => k * intervalMs));
        assert.deepEqual(bench.deferred, []);
      },
    ),
    { numRuns: 5 },
  );
});

Deno.test("a compute that outlasts three ticks is followed by one, and the schedule is kept", async () => {
  const bench = new SchedulerBench(t0);
  let computes = 0;
  bench.durationMs = () => ++computes === 1 ? 350 : 10;
  bench.start(plan("a", [{ intervalMs: 100 }]));
  await bench.clock.tick(500);
  assert.deepEqual(bench.starts("a", t0), [0, 350, 400, 500]);
  assert.deepEqual(bench.started[1]?.trigger, { kind: "interval", due: t0 + 300, coalesced: 2 });
  assert.deepEqual(bench.deferred.map(({ reason }) => reason), ["coalesced", "coalesced", "coalesced"]);
});

Deno.test("ticks that passed while the event loop was blocked lead to one compute, and the next one is on schedule", async () => {
  const bench = new SchedulerBench(t0);
  bench.start(plan("a", [{ intervalMs: 100 }]));
  await bench.clock.tick(150);
  await bench.clock.stall(1_000);
  assert.deepEqual(bench.starts("a", t0), [0, 100, 1_150]);
  await bench.clock.tick(100);
  assert.deepEqual(bench.starts("a", t0), [0, 100, 1_150, 1_200]);
});

Deno.test("the throttle holds a tick until the end of the window, and reports it once for each trigger", async () => {
  const bench = new SchedulerBench(t0);
  bench.start(plan("a", [{ intervalMs: 100 }], { throttleMs: 260 }));
  await bench.clock.tick(600);
  assert.deepEqual(bench.starts("a", t0), [0, 260, 520]);
  assert.deepEqual(bench.deferred.map(({ reason, until, computeId }) => [reason, until, computeId]), [
    ["throttled", t0 + 260, 2],
    ["coalesced", null, 2],
    ["throttled", t0 + 520, 4],
    ["coalesced", null, 4],
    ["coalesced", null, 4],
    ["throttled", t0 + 780, 7],
  ]);
  assert.equal(bench.started[1]?.computeId, 2);
});

Deno.test("Scheduler.trigger() returns the number of the compute that answers it", async () => {
  const bench = new SchedulerBench(t0);
  bench.durationMs = () => 10;
  bench.start(plan("a", [], { throttleMs: 100 }));
  const { scheduler, clock } = bench;
  assert.equal(scheduler.trigger("nobody", manual), null);
  assert.deepEqual(scheduler.trigger("a", manual), { computeId: 1, how: "started", until: null });
  assert.deepEqual(scheduler.trigger("a", manual), { computeId: 2, how: "coalesced", until: null });
  await clock.tick(50);
  assert.deepEqual(scheduler.view("a"), {
    state: "waiting",
    nextDue: t0 + 100,
    runningComputeId: null,
    pending: { computeId: 2, trigger: manual },
  });
  assert.deepEqual(scheduler.trigger("a", manual), { computeId: 2, how: "coalesced", until: null });
  await clock.tick(60);
  assert.deepEqual(bench.started.map(({ computeId, at }) => [computeId, at - t0]), [[1, 0], [2, 100]]);
  assert.deepEqual(scheduler.trigger("a", manual), { computeId: 4, how: "throttled", until: t0 + 200 });
});

Deno.test("a signal triggers the senses that listen to its sense, each once, and no other", async () => {
  const bench = new SchedulerBench();
  bench.start(
    plan("a", [{ on: ["source"] }, { on: ["source", "other"] }]),
    plan("b", [{ on: ["other"] }]),
    plan("source", []),
  );
  const signal = signalOf("source", 42);
  bench.scheduler.onSignal(signal);
  await bench.clock.tick(0);
  assert.deepEqual(bench.started.map(({ sense, trigger }) => ({ sense, trigger })), [
    { sense: "a", trigger: { kind: "signal", signal, coalesced: 0 } },
  ]);
});

Deno.test("signals in quick succession start one compute after the other", async () => {
  const bench = new SchedulerBench();
  bench.durationMs = () => 1;
  bench.start(plan("a", [{ on: ["source"] }]));
  for (let id = 1; id <= 5; id++) {
    bench.scheduler.onSignal(signalOf("source", id));
    await bench.clock.tick(1);
  }
  assert.equal(bench.started.length, 5);
});

Deno.test("a process is requested ahead of each tick, unless the tick is too near or the sense is busy", async () => {
  const bench = new SchedulerBench(t0);
  bench.start(plan("slow", [{ intervalMs: 1_000 }]), plan("quick", [{ intervalMs: prepareAheadMs }]));
  await bench.clock.tick(2_100);
  assert.deepEqual(bench.prepared.map(({ sense, at }) => [sense, at - t0]), [
    ["slow", 1_000 - prepareAheadMs],
    ["slow", 2_000 - prepareAheadMs],
  ]);

  const busy = new SchedulerBench(t0);
  busy.durationMs = () => 990;
  busy.start(plan("a", [{ intervalMs: 1_000 }]));
  await busy.clock.tick(1_500);
  assert.deepEqual(busy.prepared, []);
});

Deno.test("a process is requested ahead of the end of a window, and not for the ticks that the window holds back", async () => {
  const bench = new SchedulerBench(t0);
  bench.start(plan("a", [{ intervalMs: 1_000 }], { throttleMs: 60_500 }));
  await bench.clock.tick(60_600);
  assert.deepEqual(bench.prepared.map(({ at }) => at - t0), [60_500 - prepareAheadMs]);
  assert.deepEqual(bench.starts("a", t0), [0, 60_500]);
});

Deno.test("nextDueAt is the time of the next compute, which a throttle may delay", async () => {
  const bench = new SchedulerBench(t0);
  bench.start(
    plan("a", [{ intervalMs: 10_000 }]),
    plan("b", [{ intervalMs: 1_000 }], { throttleMs: 60_000 }),
    plan("c", [{ on: ["a"] }]),
  );
  const { scheduler, clock } = bench;
  assert.equal(scheduler.nextDueAt(["a", "b", "c"]), t0);
  await clock.tick(500);
  assert.equal(scheduler.nextDueAt(["a", "b"]), t0 + 10_000);
  assert.equal(scheduler.nextDueAt(["b"]), t0 + 60_000);
  assert.equal(scheduler.nextDueAt(["c", "nobody"]), null);
  await clock.tick(1_000);
  assert.equal(scheduler.view("b")?.state, "waiting");
  assert.equal(scheduler.nextDueAt(["b"]), t0 + 60_000);
});

Deno.test("stop drops waiting computes, reports them, and lets running ones finish without a successor", async () => {
  const bench = new SchedulerBench(t0);
  bench.durationMs = () => 100;
  bench.start(plan("a", [{ intervalMs: 1_000 }]), plan("b", [{ on: ["x"] }], { throttleMs: 500 }));
  await bench.clock.tick(10);
  bench.scheduler.trigger("b", manual);
  await bench.clock.tick(200);
  const waiting = bench.scheduler.trigger("b", manual);
  const merged = bench.scheduler.trigger("b", manual);
  const running = bench.scheduler.trigger("a", manual);
  const pending = bench.scheduler.trigger("a", manual);
  const outcomes = [waiting, merged, running, pending].map((receipt) => receipt?.how);
  assert.deepEqual(outcomes, ["throttled", "coalesced", "started", "coalesced"]);
  const before = bench.started.length;
  bench.scheduler.stop();
  assert.deepEqual(bench.droppedIds.sort(), [waiting?.computeId, pending?.computeId].sort());
  assert.equal(bench.scheduler.trigger("a", manual), null);
  bench.scheduler.onSignal(signalOf("x"));
  bench.scheduler.setPlans([plan("c", [{ intervalMs: 10 }])]);
  await bench.clock.tick(10_000);
  assert.equal(bench.started.length, before);
});

Deno.test("no trigger is accepted while the scheduler stops, not even from a listener that is notified of a drop", async () => {
  const bench = new SchedulerBench(t0);
  bench.start(plan("a", [], { throttleMs: 1_000 }), plan("b", []));
  bench.scheduler.trigger("a", manual);
  await bench.clock.tick(10);
  bench.scheduler.trigger("a", manual);
  bench.onDropped = () => assert.equal(bench.scheduler.trigger("b", manual), null);
  bench.scheduler.stop();
  assert.deepEqual(bench.starts("b"), []);
});

Deno.test("a listener may trigger the sense of its event", async () => {
  const bench = new SchedulerBench(t0);
  bench.durationMs = () => 5;
  bench.start(plan("a", [{ on: ["a-signal"] }], { throttleMs: 50 }));
  let again = true;
  bench.onNonAction = () => {
    if (!again) return;
    again = false;
    bench.scheduler.onSignal(signalOf("a-signal"));
  };
  bench.scheduler.trigger("a", manual);
  bench.scheduler.trigger("a", manual);
  await bench.clock.tick(200);
  assert.deepEqual(bench.starts("a", t0), [0, 50]);
  assert.equal(bench.started[1]?.trigger.coalesced, 1);
});

Deno.test("for any plans, durations and triggers: starts keep the throttle, and every promised compute starts", async () => {
  const sense = fc.record({
    intervalMs: fc.option(fc.integer({ min: 20, max: 400 })),
    throttleMs: fc.option(fc.integer({ min: 1, max: 500 })),
    listens: fc.boolean(),
  });
  const step = fc.record({ wait: fc.nat(120), to: fc.nat(3), signal: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(
      fc.array(sense, { minLength: 1, maxLength: 4, size: "max" }),
      fc.array(step, { maxLength: 30, size: "max" }),
      fc.infiniteStream(fc.nat(150)),
      async (senses, steps, durations) => {
        const bench = new SchedulerBench(t0);
        bench.durationMs = bench.delayMs = () => Number(durations.next().value);
        bench.start(
          ...senses.map(({ intervalMs, throttleMs, listens }, index) =>
            plan(`s${index}`, [{ intervalMs, on: listens ? ["outside"] : [] }], { throttleMs })
          ),
        );
        const promised: number[] = [];
        for (const { wait, to, signal } of steps) {
          await bench.clock.tick(wait);
          if (signal) bench.scheduler.onSignal(signalOf("outside"));
          const receipt = bench.scheduler.trigger(`s${to}`, manual);
          assert.equal(receipt === null, to >= senses.length);
          if (receipt !== null) promised.push(receipt.computeId);
        }
        await bench.clock.tick(1_000);
        senses.forEach(({ throttleMs }, index) => {
          const starts = bench.starts(`s${index}`, t0);
          starts.forEach((at, k) => assert.ok(k === 0 || at - (starts[k - 1] ?? 0) >= (throttleMs ?? 0)));
        });
        const ids = new Set(bench.started.map(({ computeId }) => computeId));
        for (const id of promised) assert.ok(ids.has(id), "a promised compute never started");
        bench.scheduler.stop();
      },
    ),
    { numRuns: 60 },
  );
});
