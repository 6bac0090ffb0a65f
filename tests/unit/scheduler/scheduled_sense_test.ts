/**
 * One sense with its schedules, its window and its timeline, on the ports of scheduler_bench.ts. The tests of
 * scheduler.ts have schedules over restarts and reloads; here is what the sense decides alone. Danger: a signal that
 * nobody hears, and a tick that two equal reflexes double.
 */
import assert from "node:assert/strict";
import { TimerHeap } from "../../../src/base/timer_heap.ts";
import type { Signal } from "../../../src/protocol/signal.ts";
import type { ComputeEnding, SensePlan } from "../../../src/scheduler/ports.ts";
import { ScheduledSense } from "../../../src/scheduler/scheduled_sense.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { manual, plan, SchedulerBench } from "../../support/scheduler_bench.ts";

const secondMs = 1_000, minuteMs = 60 * secondMs, hourMs = 60 * minuteMs;

/** A sense "a". Its bench answers computes; `unheard` is what the next one has not heard. */
class SenseWorld {
  readonly clock = new FakeClock();
  readonly bench = new SchedulerBench(this.clock);
  readonly heap = new TimerHeap(this.clock);
  readonly removed: string[] = [];
  readonly sense: ScheduledSense;
  unheard: Signal | null = null;
  #ids = 0;

  constructor(first: SensePlan) {
    const { bench, clock, heap } = this;
    const starter = {
      prepare: (sense: string) => bench.prepare(sense),
      compute: async (...of: Parameters<SchedulerBench["compute"]>): Promise<ComputeEnding> => {
        const ending = await bench.compute(...of), { unheard } = this;
        this.unheard = null;
        return { ...ending, unheard };
      },
    };
    const newComputeId = () => ++this.#ids, onRemoved = (sense: string) => void this.removed.push(sense);
    const ports = { starter, listener: bench, records: bench, pauses: bench, newComputeId, onRemoved };
    this.sense = new ScheduledSense({ clock, heap, ...ports }, "a");
    this.sense.applyPlan(first);
  }

  pause(): void {
    this.bench.skipped.set("a", 0);
    this.sense.pause();
  }

  unpause(): void {
    this.bench.skipped.delete("a");
    this.sense.unpause();
  }

  /** The kinds of triggers that were computed since the last call. */
  takeKinds(): string[] {
    return this.bench.started.splice(0).map(({ trigger }) => trigger.kind);
  }
}

const signal: Signal = { id: 7, sense: "b", payload: { n: 1 }, ts: 3 };

Deno.test("what a compute has not heard starts the next one, with the signal or the delivery that it missed", async () => {
  const world = new SenseWorld(plan("a", [])), delivery = { ...signal, sense: "hook:git", payload: { key: "k" } };
  for (const [unheard, kind] of [[signal, "signal"], [delivery, "hook"]] as const) {
    world.unheard = unheard;
    world.sense.trigger(manual);
    await world.clock.tick(secondMs);
    const [first, second, ...more] = world.bench.started.splice(0);
    assert.deepEqual([first?.trigger.kind, second?.trigger.kind, more], ["manual", kind, []]);
  }
});

Deno.test("a compute that follows anyway hears it: nothing else is started for it", async () => {
  const world = new SenseWorld(plan("a", []));
  world.bench.durationMs = () => secondMs;
  world.unheard = signal;
  world.sense.trigger(manual);
  world.sense.trigger(manual);
  await world.clock.tick(minuteMs);
  assert.deepEqual(world.takeKinds(), ["manual", "manual"]);
});

Deno.test("a paused sense and one that is removed are not started for what they have not heard", async () => {
  for (const end of ["pause", "remove"] as const) {
    const world = new SenseWorld(plan("a", []));
    world.bench.durationMs = () => secondMs;
    world.unheard = signal;
    world.sense.trigger(manual);
    if (end === "pause") world.pause();
    else world.sense.remove();
    await world.clock.tick(minuteMs);
    assert.deepEqual([world.takeKinds(), world.removed], [["manual"], end === "remove" ? ["a"] : []], end);
  }
});

Deno.test("a throttle holds back also what was not heard", async () => {
  const world = new SenseWorld(plan("a", [], { throttleMs: minuteMs })), t0 = world.clock.now();
  world.unheard = signal;
  world.sense.trigger(manual);
  await world.clock.tick(hourMs);
  assert.deepEqual(world.bench.starts("a", t0), [0, minuteMs]);
});

Deno.test("equal reflexes tick once, and those that differ in their time zone or their jitter tick each", async () => {
  const cron = { cron: "0 * * * *", timezone: "UTC" }, interval = { intervalMs: hourMs };
  const equal = new SenseWorld(plan("a", [cron, cron, interval, interval]));
  assert.equal(equal.heap.size, 2);
  const other = new SenseWorld(plan("a", [cron, { ...cron, timezone: "Asia/Kolkata" }, { ...cron, jitterMs: 9 }]));
  assert.equal(other.heap.size, 3);
  await equal.clock.tick(1);
  assert.deepEqual(equal.takeKinds(), ["interval"]);
});

Deno.test("a sense that is idle is forgotten as soon as it is removed, a running one when its compute has ended", async () => {
  const world = new SenseWorld(plan("a", [{ intervalMs: minuteMs }]));
  world.bench.durationMs = () => secondMs;
  await world.clock.tick(1);
  world.sense.remove();
  assert.deepEqual([world.removed, world.sense.plan, world.heap.size], [[], null, 0]);
  await world.clock.tick(secondMs);
  assert.deepEqual(world.removed, ["a"]);
  const idle = new SenseWorld(plan("a", [{ intervalMs: minuteMs }]));
  idle.sense.remove();
  assert.deepEqual([idle.removed, idle.heap.size], [["a"], 0]);
});

Deno.test("a removed sense neither catches up nor resumes", async () => {
  const line = { cron: "0 * * * *", timezone: "UTC", catchUp: "once" } as const;
  const world = new SenseWorld(plan("a", [line]));
  world.sense.remove();
  world.sense.catchUp();
  world.sense.resume();
  await world.clock.tick(2 * hourMs);
  assert.deepEqual(world.takeKinds(), []);
});

Deno.test("a tick that nobody answered is computed when the sense can again: once, if a line catches up, and not in a pause", async () => {
  for (const catchUp of ["once", "none"] as const) {
    const world = new SenseWorld(plan("a", [{ cron: "0 * * * *", timezone: "UTC", catchUp }]));
    world.bench.down.add("a");
    await world.clock.tick(hourMs);
    world.bench.cronTicks.splice(0);
    assert.deepEqual(world.takeKinds(), ["cron"]);
    world.bench.down.clear();
    world.bench.skipped.set("a", 0);
    world.sense.resume();
    assert.deepEqual(world.takeKinds(), []);
    world.bench.skipped.clear();
    world.sense.resume();
    world.sense.resume();
    await world.clock.tick(1);
    world.sense.resume();
    assert.deepEqual(world.takeKinds(), catchUp === "once" ? ["cron"] : []);
    assert.equal(world.bench.cronTicks.length, catchUp === "once" ? 1 : 0);
  }
});

Deno.test("an interval that a reload took away in a pause is not made good after it", async () => {
  const world = new SenseWorld(plan("a", [{ intervalMs: minuteMs }]));
  await world.clock.tick(1);
  world.takeKinds();
  world.pause();
  await world.clock.tick(hourMs);
  // Its own first tick comes later.
  world.sense.applyPlan(plan("a", [{ intervalMs: 2 * hourMs }], { startupDelayMs: minuteMs }));
  world.unpause();
  await world.clock.tick(1);
  assert.deepEqual(world.takeKinds(), []);
});

Deno.test("a tick that was waiting when the pause began is made good after it, with the time at which it was due", async () => {
  const world = new SenseWorld(plan("a", [{ intervalMs: minuteMs }], { throttleMs: 10 * minuteMs }));
  await world.clock.tick(minuteMs);
  const due = world.clock.now();
  world.takeKinds();
  world.pause();
  assert.deepEqual([world.bench.droppedIds.length, world.bench.skipped.get("a")], [1, 1]);
  world.unpause();
  assert.deepEqual(world.sense.view().pending?.trigger, { kind: "interval", due, coalesced: 0 });
});

Deno.test("a sense tells what it does and when it is due next, in wall time", async () => {
  const world = new SenseWorld(plan("a", [{ intervalMs: hourMs }], { throttleMs: 2 * hourMs })), { sense } = world;
  const t0 = world.clock.now();
  world.bench.durationMs = () => minuteMs;
  await world.clock.tick(1);
  const at = (hours: number) => t0 + hours * hourMs;
  const rest = { runningComputeId: null, pending: null };
  assert.deepEqual(sense.view(), { state: "running", nextDue: at(2), ...rest, runningComputeId: 1 });
  const { computeId, how, until } = sense.trigger(manual);
  assert.deepEqual([computeId, how, until], [2, "coalesced", null]);
  const pending = { computeId: 2, trigger: manual };
  assert.deepEqual(sense.view(), { state: "running_pending", nextDue: at(2), runningComputeId: 1, pending });
  await world.clock.tick(minuteMs);
  assert.deepEqual(sense.view(), { state: "waiting", nextDue: at(2), runningComputeId: null, pending });
  world.bench.skipped.set("a", 0);
  assert.equal(sense.view().nextDue, at(2), "what somebody asked for comes also in a pause");
  await world.clock.tick(2 * hourMs);
  assert.deepEqual(sense.view(), { state: "idle", nextDue: null, ...rest }, "a paused sense is due for nothing else");
  world.bench.skipped.clear();
  assert.equal(sense.view().nextDue, at(4), "its window ends after its next tick");
});

Deno.test("a trigger in the window tells when the window ends, in wall time", async () => {
  const world = new SenseWorld(plan("a", [], { throttleMs: minuteMs })), t0 = world.clock.now();
  assert.deepEqual(world.sense.trigger(manual), { computeId: 1, how: "started", until: null });
  await world.clock.tick(secondMs);
  assert.deepEqual(world.sense.trigger(manual), { computeId: 2, how: "throttled", until: t0 + minuteMs });
  assert.deepEqual(world.bench.deferred.map(({ reason, computeId }) => [reason, computeId]), [["throttled", 2]]);
});

Deno.test("a sense without schedules is never due", () => {
  assert.equal(new SenseWorld(plan("a", [{ on: ["b"] }])).sense.nextDueAt(), null);
});
