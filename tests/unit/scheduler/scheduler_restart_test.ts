/** Schedules outlive the daemon. The bug was: an hourly sense computed at every start, 8 times in 12 minutes. */
import assert from "node:assert/strict";
import type { SensePlan } from "../../../src/scheduler/ports.ts";
import fc from "../../support/fast_check.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { plan, SchedulerBench } from "../../support/scheduler_bench.ts";

const minuteMs = 60_000, hourMs = 60 * minuteMs, dayMs = 24 * hourMs;

/** The next daemon, on the same machine; the one of `before` is gone, as after kill -9. */
function restart(before: SchedulerBench, ...plans: SensePlan[]): SchedulerBench {
  const bench = new SchedulerBench(before.clock, before);
  bench.start(...plans);
  return bench;
}

Deno.test("eight starts in twelve minutes are one compute of an hourly sense, and the next one comes after an hour", async () => {
  const hourly = plan("hourly", [{ intervalMs: hourMs }]), clock = new FakeClock(), t0 = clock.now();
  let bench = new SchedulerBench(clock);
  bench.start(hourly);
  const starts: number[] = [];
  for (let count = 0; count < 8; count++) {
    await clock.tick(90_000);
    starts.push(...bench.starts("hourly", t0));
    bench.scheduler.stop();
    bench = restart(bench, hourly);
  }
  assert.deepEqual(starts, [0]);
  assert.equal(bench.scheduler.view("hourly")?.nextDue, t0 + hourMs);
  await clock.tick(2 * hourMs);
  assert.deepEqual(bench.starts("hourly", t0), [hourMs, 2 * hourMs]);
});

Deno.test("a tick that was due while no daemon ran comes once, after the startup delay, and intervals go on from it", async () => {
  const delayed = plan("a", [{ intervalMs: hourMs }], { startupDelayMs: 5_000 }), clock = new FakeClock();
  const first = new SchedulerBench(clock);
  first.start(delayed);
  await clock.tick(10_000);
  first.scheduler.stop();
  await clock.tick(5 * hourMs);
  const bench = restart(first, delayed), t0 = clock.now();
  await clock.tick(2 * hourMs);
  assert.deepEqual(bench.starts("a", t0), [5_000, hourMs + 5_000]);
});

Deno.test("each interval of a sense goes on by itself: a frequent one does not put off a rare one", async () => {
  const both = plan("a", [{ intervalMs: minuteMs }, { intervalMs: hourMs }]), clock = new FakeClock(), t0 = clock.now();
  let bench = new SchedulerBench(clock);
  bench.start(both);
  for (let count = 0; count < 5; count++) {
    await clock.tick(11 * minuteMs + 30_000);
    bench.scheduler.stop();
    bench = restart(bench, both);
  }
  await clock.tick(3 * minuteMs + 40_000);
  // One compute for each of the two.
  assert.deepEqual(bench.starts("a", t0).filter((at) => at >= hourMs), [hourMs, hourMs, hourMs + minuteMs]);
});

for (const jump of [-dayMs, -30 * minuteMs, 30 * minuteMs, dayMs]) {
  Deno.test(`a clock set by ${jump / minuteMs} minutes before a restart makes no interval longer`, async () => {
    const hourly = plan("a", [{ intervalMs: hourMs }]), clock = new FakeClock();
    const first = new SchedulerBench(clock);
    first.start(hourly);
    await clock.tick(20 * minuteMs);
    first.scheduler.stop();
    clock.jump(jump);
    const bench = restart(first, hourly), t0 = clock.now();
    await clock.tick(hourMs - 1);
    assert.deepEqual(bench.starts("a", t0), [Math.max(0, 40 * minuteMs - Math.max(0, jump))]);
  });
}

Deno.test("for any lives and pauses of the daemon: ticks are an interval apart, and none is late by more than a pause", async () => {
  const life = fc.record({ upMs: fc.integer({ min: 1, max: 30_000 }), downMs: fc.nat(30_000), jump: fc.nat(2) });
  const lives = fc.array(life, { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 10, max: 20_000 }), lives, async (intervalMs, lives) => {
      const clock = new FakeClock(), every = plan("a", [{ intervalMs }]);
      let bench: SchedulerBench | undefined, last = -Infinity, downMs = 0;
      for (const { upMs, downMs: next, jump } of lives) {
        bench = new SchedulerBench(clock, bench);
        const from = clock.monotonic(), offset = clock.now() - from;
        bench.start(every);
        await clock.tick(upMs);
        for (const { at } of bench.started) {
          const tick = at - offset, late = tick - last - intervalMs;
          assert.ok(last === -Infinity || (late >= 0 && late <= downMs), `a tick ${late} ms late after ${downMs} ms`);
          [last, downMs] = [tick, 0];
        }
        assert.ok(clock.monotonic() - last <= intervalMs, "a tick is missing");
        bench.scheduler.stop();
        await clock.tick(next);
        downMs += next;
        clock.jump(-jump * dayMs);
      }
    }),
    { numRuns: 60 },
  );
});

Deno.test("jitter delays every tick of a sense by the same time, and spreads senses", async () => {
  const clock = new FakeClock(Date.UTC(2026, 4, 5, 8, 59)), t0 = clock.now();
  const names = Array.from({ length: 20 }, (_, index) => `s${index}`);
  const plans = names.map((name) =>
    plan(name, [{ intervalMs: minuteMs, jitterMs: 5_000 }, { cron: "0 9 * * *", timezone: "UTC", jitterMs: 5_000 }])
  );
  const bench = new SchedulerBench(clock);
  bench.start(...plans);
  await clock.tick(3 * minuteMs);
  const delays = names.map((name) => {
    const [delay = -1, ...later] = bench.starts(name, t0);
    assert.ok(delay >= 0 && delay < 5_000);
    // At 09:00 the interval and the cron line are due together.
    assert.deepEqual(
      later,
      [delay + minuteMs, delay + minuteMs, delay + 2 * minuteMs].slice(later.length === 3 ? 0 : 1),
    );
    return delay;
  });
  assert.ok(new Set(delays).size > 15);
  const cron = bench.started.filter(({ trigger }) => trigger.kind === "cron");
  assert.ok(cron.every(({ trigger }) => trigger.kind === "cron" && trigger.due === t0 + minuteMs));
  await clock.tick(1_000);
  const after = restart(bench, ...plans);
  await clock.tick(minuteMs);
  assert.deepEqual(
    names.map((name) => after.starts(name, t0)),
    delays.map((delay) => [
      delay + (delay > 1_000 ? 3 : 4) * minuteMs,
    ]),
  );
});

Deno.test("a cron tick that its jitter holds back over a restart comes once, also with catch_up", async () => {
  const clock = new FakeClock(Date.UTC(2026, 4, 5, 8, 59)), t0 = clock.now();
  const line = (lastCronTick: number | null) =>
    plan("report", [{ cron: "0 9 * * *", timezone: "UTC", catchUp: "once", jitterMs: hourMs }], { lastCronTick });
  const first = new SchedulerBench(clock);
  first.start(line(null));
  await clock.tick(2 * minuteMs);
  first.scheduler.stop();
  const bench = restart(first, line(t0));
  await clock.tick(3 * hourMs);
  assert.equal(bench.started.length, 1);
  assert.deepEqual(bench.cronTicks, [{ sense: "report", due: t0 + minuteMs }]);
});
