/** A paused sense is not woken by its reflexes, and one compute answers what it missed. */
import assert from "node:assert/strict";
import { FakeClock } from "../../support/fake_clock.ts";
import { plan, SchedulerBench } from "../../support/scheduler_bench.ts";

const minuteMs = 60_000, hourMs = 60 * minuteMs;

function pause(bench: SchedulerBench, sense: string): void {
  bench.skipped.set(sense, 0);
  bench.scheduler.pause(sense);
}

function unpause(bench: SchedulerBench, sense: string): void {
  bench.skipped.delete(sense);
  bench.scheduler.unpause(sense);
}

Deno.test("interval ticks of a paused sense are skipped and counted, and one compute follows at once when it goes on", async () => {
  const bench = new SchedulerBench(), t0 = bench.clock.now();
  bench.start(plan("a", [{ intervalMs: minuteMs }]), plan("b", [{ intervalMs: minuteMs }]));
  await bench.clock.tick(1);
  pause(bench, "a");
  await bench.clock.tick(10 * minuteMs + 30_000);
  assert.deepEqual(bench.starts("a", t0), [0]);
  assert.equal(bench.starts("b", t0).length, 11);
  assert.equal(bench.skipped.get("a"), 10);
  assert.equal(bench.scheduler.view("a")?.nextDue, null);
  unpause(bench, "a");
  await bench.clock.tick(minuteMs);
  assert.deepEqual(bench.starts("a", t0), [0, 10 * minuteMs + 30_001, 11 * minuteMs]);
});

Deno.test("a sense that missed nothing does not compute when it goes on", async () => {
  const bench = new SchedulerBench(), t0 = bench.clock.now();
  bench.start(plan("a", [{ intervalMs: hourMs }, { cron: "0 12 * * *", timezone: "UTC" }]));
  await bench.clock.tick(1);
  pause(bench, "a");
  await bench.clock.tick(minuteMs);
  unpause(bench, "a");
  await bench.clock.tick(minuteMs);
  assert.deepEqual(bench.starts("a", t0), [0]);
});

Deno.test("of cron ticks in a pause those that catch up are one compute, others none", async () => {
  const bench = new SchedulerBench(), t0 = bench.clock.now(), line = { cron: "0 * * * *", timezone: "UTC" };
  bench.start(plan("once", [{ ...line, catchUp: "once" }]), plan("none", [line]));
  for (const sense of ["once", "none"]) pause(bench, sense);
  await bench.clock.tick(3 * hourMs + minuteMs);
  for (const sense of ["once", "none"]) unpause(bench, sense);
  await bench.clock.tick(minuteMs);
  assert.deepEqual(bench.starts("once", t0), [3 * hourMs + minuteMs]);
  assert.deepEqual(bench.starts("none", t0), []);
});

Deno.test("a trigger by hand computes in a pause; a signal and changed paths do not", async () => {
  const bench = new SchedulerBench(), t0 = bench.clock.now();
  bench.start(plan("a", [{ on: ["b"] }]), plan("b", []));
  pause(bench, "a");
  bench.scheduler.onSignal({ id: 1, sense: "b", payload: null, ts: 0 });
  assert.equal(bench.scheduler.wake("a", { kind: "watch", causeId: 2, coalesced: 0 }), null);
  await bench.clock.tick(1);
  assert.deepEqual(bench.starts("a", t0), []);
  assert.equal(bench.skipped.get("a"), 2);
  assert.equal(bench.scheduler.trigger("a", { kind: "manual", causeId: null, coalesced: 0 })?.how, "started");
  await bench.clock.tick(1);
  assert.equal(bench.starts("a", t0).length, 1);
});

Deno.test("what waits when a pause begins does not compute, but what somebody asked for does", async () => {
  for (const kind of ["interval", "manual"] as const) {
    const bench = new SchedulerBench(), t0 = bench.clock.now();
    bench.start(plan("a", [{ intervalMs: minuteMs }], { throttleMs: 10 * minuteMs }));
    await bench.clock.tick(minuteMs);
    if (kind === "manual") bench.scheduler.trigger("a", { kind, causeId: null, coalesced: 0 });
    pause(bench, "a");
    await bench.clock.tick(hourMs);
    assert.deepEqual(bench.starts("a", t0), kind === "manual" ? [0, 10 * minuteMs] : [0]);
    unpause(bench, "a");
    await bench.clock.tick(1);
    assert.equal(bench.starts("a", t0).length, kind === "manual" ? 3 : 2);
  }
});

Deno.test("an interval that was over in a pause is due at once in the next daemon, whose pause has ended", async () => {
  const hourly = plan("a", [{ intervalMs: hourMs }]), clock = new FakeClock(), first = new SchedulerBench(clock);
  first.start(hourly);
  await clock.tick(1);
  pause(first, "a");
  await clock.tick(90 * minuteMs);
  first.scheduler.stop();
  const next = new SchedulerBench(clock, first), t0 = clock.now();
  next.start(hourly);
  await clock.tick(minuteMs);
  assert.deepEqual(next.starts("a", t0), [0]);
});
