/** Roles that fail: the wait for their next attempt, how they end a run, and what the kernel does about a late one. */
import assert from "node:assert/strict";
import { killGraceMs } from "../../../src/base/limits.ts";
import { readMoment } from "../../../src/base/moment.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import fc from "../../support/fast_check.ts";
import { MemoryRunStore } from "../../support/memory_run_store.ts";
import { Bench, running } from "../../support/workflow_bench.ts";

Deno.test("a failure is on disk before its wait begins, and the run is in no process while it waits", async () => {
  const bench = new Bench({}, new MemoryRunStore(false));
  const started = bench.start("a");
  bench.store.commit();
  await started;
  await bench.turn();
  const { process } = bench.at("a");
  await bench.fail("a", 10_000);
  assert.deepEqual(bench.rows("a"), ["run.started"]);
  bench.store.commit();
  await bench.turn();
  assert.deepEqual(bench.rows("a"), ["run.started", "run.attempt_failed"]);
  assert.deepEqual([bench.working(), bench.freed], [[], [process.id]]);
  const payload = bench.store.disk.rows.at(-1)?.payload;
  const wait = { waitMs: 10_000, retryAt: bench.clock.now() + 10_000, failedAt: readMoment(bench.clock) };
  assert.deepEqual(payload, {
    attempt: 1,
    round: 1,
    role: "r",
    failures: 1,
    attempts: 3,
    message: "thrown",
    ...wait,
    exhausted: "fail",
  });
});

Deno.test("after the wait the role is tried again, in a new attempt that knows of the failures", async () => {
  const bench = await running("a");
  await bench.fail("a", 10_000);
  await bench.clock.tick(9_999);
  assert.deepEqual(bench.working(), []);
  await bench.clock.tick(1);
  assert.deepEqual([bench.at("a").thread.attempt, bench.at("a").thread.failures], [2, 1]);
  assert.deepEqual(bench.rows("a"), ["run.started", "run.attempt_failed", "run.resumed"]);
  await bench.fail("a", 0);
  assert.equal(bench.at("a").thread.failures, 2);
  await bench.sendMessage("a");
  await bench.die(bench.at("a").process);
  assert.equal(bench.at("a").thread.failures, 0, "the next round begins with none");
});

Deno.test("a restart of the daemon during the wait neither restarts the wait nor forgets the failures", async () => {
  const bench = await running("a");
  await bench.fail("a", 10_000);
  await bench.clock.tick(4_000);
  const after = new Bench({}, bench.store.afterCrash(), new FakeClock(bench.clock.now()));
  await after.clock.tick(5_999);
  assert.deepEqual(after.working(), []);
  await after.clock.tick(1);
  assert.equal(after.at("a").thread.failures, 1);
  await after.fail("a", 1_000);
  const later = new Bench({}, after.store.afterCrash(), new FakeClock(after.clock.now() + 60_000));
  await later.turn();
  assert.equal(later.at("a").thread.failures, 2, "a wait that ended while no daemon ran is over");
});

Deno.test("a clock that is set back, during the wait or a restart, makes no wait longer than configured", async () => {
  const bench = await running("a");
  await bench.fail("a", 10_000);
  await bench.clock.tick(4_000);
  bench.clock.jump(-3_600_000);
  await bench.clock.tick(5_999);
  await bench.start("another");
  assert.deepEqual(bench.working(), [], "nor any shorter");
  await bench.clock.tick(1);
  assert.deepEqual([bench.working(), bench.at("a").thread.failures], [["a"], 1]);
  await bench.fail("a", 10_000);
  const after = new Bench({}, bench.store.afterCrash(), new FakeClock(bench.clock.now() - 3_600_000));
  await after.clock.tick(9_999);
  assert.deepEqual(after.working(), []);
  await after.clock.tick(1);
  assert.deepEqual([after.working(), after.at("a").thread.failures], [["a"], 2]);
});

Deno.test("a wait of a day is a day, also when the clock is set back by a day and the daemon starts again", async () => {
  const hourMs = 3_600_000, dayMs = 24 * hourMs, bench = await running("a");
  await bench.fail("a", dayMs);
  await bench.clock.tick(10 * hourMs);
  bench.clock.jump(-dayMs);
  // The same boot of the machine: its clock continues.
  const after = new Bench({}, bench.store.afterCrash(), bench.clock);
  await bench.manager.stop();
  await after.clock.tick(14 * hourMs - 1);
  assert.deepEqual(after.working(), []);
  await after.clock.tick(1);
  assert.deepEqual([after.working(), after.at("a").thread.failures], [["a"], 1]);
});

Deno.test("a wait is over when the clock was set forward, or the machine slept, beyond its end", async () => {
  const hourMs = 3_600_000, bench = await running("a");
  await bench.fail("a", 24 * hourMs);
  await bench.clock.tick(hourMs);
  bench.clock.jump(22 * hourMs);
  await bench.start("another");
  await bench.clock.tick(hourMs - 1);
  assert.deepEqual(bench.working(), []);
  await bench.clock.tick(1);
  assert.equal(bench.at("a").thread.failures, 1);
});

Deno.test("for any jumps and restarts no wait is longer than configured, nor over before a clock says so", async () => {
  const hourMs = 3_600_000, waitMs = 24 * hourMs;
  const step = fc.record({
    ms: fc.nat(8 * hourMs),
    jump: fc.integer({ min: -30 * hourMs, max: 3 * hourMs }),
    restart: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
      let bench = await running("a");
      const { clock } = bench;
      await bench.fail("a", waitMs);
      const due = clock.now() + waitMs;
      const end = clock.monotonic() + waitMs;
      let over = false, until = end;
      for (const { ms, jump, restart } of [...steps, { ms: waitMs, jump: 0, restart: false }]) {
        clock.jump(jump);
        if (restart) {
          // It waits only for what is left by the wall clock when it starts.
          until = Math.min(end, clock.monotonic() + due - clock.now());
          const next = new Bench({}, bench.store.afterCrash(), clock);
          await bench.manager.stop();
          bench = next;
        }
        await clock.tick(0);
        for (const part of [ms / 2, ms / 2]) {
          await clock.tick(Math.floor(part));
          over ||= clock.now() >= due || clock.monotonic() >= until;
          assert.deepEqual(bench.working(), over ? ["a"] : []);
        }
        if (over) break;
      }
      assert.ok(over);
    }),
    { numRuns: 40 },
  );
});

Deno.test("a run whose attempts are used up is paused where its role says so, and they begin anew after the resume", async () => {
  const bench = await running("a", "b");
  await bench.fail("a", 0, { exhausted: "pause" });
  await bench.fail("a", null, { exhausted: "pause", attempts: 2 });
  const { status, reason } = bench.run("a");
  assert.deepEqual([status, reason], ["paused", "paused: role r failed in round 1, attempt 2 of 2: thrown"]);
  // A failure without a retry ends the run all the same.
  await bench.fail("b", null, { exhausted: "pause", attempts: 2 });
  assert.equal(bench.status("b"), "failed");
  const next = new Bench({ concurrency: 2 }, bench.store.afterCrash());
  await next.turn();
  assert.equal(next.status("a"), "paused", "also in the next daemon");
  await next.manager.resumeRun("a");
  await next.turn();
  assert.deepEqual([next.at("a").thread.failures, next.run("a").attempt], [0, 3]);
  await next.fail("a", 0, { exhausted: "pause" });
  assert.deepEqual([next.status("a"), next.at("a").thread.failures], ["started", 1]);
});

Deno.test("a run whose last failure is on disk, and its pause is not, is paused by the next daemon", async () => {
  const bench = await running("a");
  bench.store.failures = 0;
  const { process, thread } = bench.at("a");
  process.threads.delete("a");
  const about = { runId: "a", attempt: thread.attempt, round: 1, role: "r", attempts: 1, exhausted: "pause" } as const;
  bench.manager.onMessage(process, { t: "attempt_failed", ...about, waitMs: null, message: "thrown", place: null });
  while (bench.rows("a").at(-1) !== "run.attempt_failed") await Promise.resolve();
  const next = new Bench({}, bench.store.afterCrash());
  assert.equal(next.status("a"), "started");
  await next.turn();
  assert.equal(next.status("a"), "paused");
});

Deno.test("the last failure ends the run with exit 1 and names role, round and attempts", async () => {
  const bench = await running("last", "hopeless", "plain");
  await bench.fail("last", 0);
  await bench.fail("last", 0);
  await bench.fail("last", null);
  await bench.fail("hopeless", null);
  await bench.fail("plain", null, { attempts: 1 });
  assert.deepEqual([bench.run("last").status, bench.run("last").exitCode], ["failed", 1]);
  assert.equal(bench.run("last").reason, "role r failed in round 1, attempt 3 of 3: thrown");
  assert.deepEqual(bench.failures.slice(0, 2), [
    "last: role r failed in round 1, attempt 1 of 3: thrown",
    "last: role r failed in round 1, attempt 2 of 3: thrown",
  ]);
  assert.equal(
    bench.run("hopeless").reason,
    "role r failed in round 1, attempt 1 of 3, not retried: thrown",
  );
  assert.equal(bench.run("plain").reason, "role r failed in round 1: thrown");
  assert.deepEqual(bench.rows("plain"), ["run.started", "run.attempt_failed", "run.failed"]);
});

Deno.test("a daemon that was killed between the last failure and the run's end ends it at the next start", async () => {
  // The bug would be: the role runs once more than its policy allows.
  const bench = new Bench({}, new MemoryRunStore(false));
  const started = bench.start("a");
  bench.store.commit();
  await started;
  await bench.turn();
  await bench.fail("a", null);
  bench.store.commit();
  await bench.turn();
  const after = new Bench({}, new MemoryRunStore(true, bench.store.afterCrash().disk as never));
  assert.equal(after.status("a"), "started");
  await after.turn();
  assert.deepEqual([after.status("a"), after.working()], ["failed", []]);
});

Deno.test("a waiting run can be killed at once, delays no stop, and does not stop its siblings", async () => {
  const bench = await running("waits", "works");
  await bench.fail("waits", 3_600_000);
  await bench.sendMessage("works");
  await bench.die(bench.at("works").process);
  await bench.die(bench.at("works").process);
  assert.equal(bench.at("works").thread.attempt, 3, "a death concerns it alone");
  await bench.finish("works");
  await bench.manager.killRun("waits", null);
  assert.equal(bench.status("waits"), "killed");
  await bench.start("again");
  await bench.turn();
  await bench.fail("again", 3_600_000);
  await bench.manager.stop();
  assert.equal(bench.clock.pending, 0);
  assert.equal(bench.status("again"), "started");
});

Deno.test("a suspect that waits for its next attempt does not keep the others out of the process", async () => {
  const bench = await running("suspect", "other");
  await bench.die(bench.at("suspect").process);
  await bench.die(bench.at("suspect").process);
  assert.deepEqual(bench.working(), ["suspect"]);
  await bench.fail("suspect", 3_600_000);
  assert.deepEqual(bench.working(), ["other"]);
});

Deno.test("a report after the role has failed is rejected, and so is a failure of another round", async () => {
  const bench = await running("a", "b");
  const { process, thread } = bench.at("a");
  await bench.fail("a", 10_000);
  const { attempt } = thread;
  bench.manager.onMessage(process, { t: "message", runId: "a", attempt, round: 1, role: "r", content: "", meta: {} });
  bench.manager.onMessage(process, { t: "finished", runId: "a", attempt, outcome: { kind: "completed" } });
  await bench.fail("b", 0, { round: 2 });
  assert.deepEqual(bench.logged.map(({ type }) => type), ["run.refused", "run.refused", "run.refused"]);
  assert.deepEqual([bench.status("a"), bench.run("a").rounds, bench.status("b")], ["started", 0, "started"]);
});

Deno.test("a role that outlives its time limit and the grace period costs its process, and only this role has failed", async () => {
  const bench = await running("late", "sibling");
  const { process } = bench.at("late");
  await bench.begin("late", 1_000, 500);
  await bench.clock.tick(1_000 + killGraceMs - 1);
  assert.equal(process.recycled, null);
  await bench.clock.tick(1);
  assert.match(process.recycled ?? "", /^role r of run late timed out after 1s and did not stop/);
  await bench.die(process, "recycled");
  await bench.clock.tick(500);
  assert.equal(bench.at("late").thread.failures, 1);
  assert.deepEqual([bench.at("sibling").thread.attempt, bench.at("sibling").thread.failures], [2, 0]);
  assert.deepEqual(bench.logged, [], "no run has crashed");
});

Deno.test("a role that stops in time has no deadline any more, whatever it reported", async () => {
  const bench = await running("says", "fails", "ends");
  for (const id of ["says", "fails", "ends"]) await bench.begin(id, 1_000, 500);
  const { process } = bench.at("says");
  await bench.sendMessage("says");
  await bench.fail("fails", 3_600_000);
  await bench.finish("ends");
  await bench.clock.tick(60_000);
  assert.equal(process.recycled, null);
});

Deno.test("a killed run that still begins a role gets no new deadline, and its grace period continues", async () => {
  const bench = await running("a");
  const { process } = bench.at("a");
  await bench.manager.killRun("a", null);
  await bench.begin("a", 60_000, null);
  await bench.clock.tick(killGraceMs);
  assert.match(process.recycled ?? "", /did not stop after it was aborted/);
  assert.deepEqual(bench.logged, []);
});
