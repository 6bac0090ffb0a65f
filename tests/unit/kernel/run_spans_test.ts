/** The bug was: a run "took" minus three hours, or 37 years, when the clock was set during the run. */
import assert from "node:assert/strict";
import { RunSpans } from "../../../src/kernel/run_spans.ts";
import type { Run } from "../../../src/protocol/run.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { aRun } from "../../support/api_views.ts";
import fc from "../../support/fast_check.ts";

const going = { status: "started", endedAt: null, exitCode: null } as const;

Deno.test("for any jumps of the clock: a run took the time that passed since its start", async () => {
  const step = fc.record({ ms: fc.nat(100_000), jump: fc.integer({ min: -(10 ** 12), max: 10 ** 12 }) });
  await fc.assert(fc.asyncProperty(fc.array(step), async (steps) => {
    const clock = new FakeClock(), spans = new RunSpans(clock), queuedAt = clock.now();
    const queued: Run = aRun({ ...going, status: "queued", attempt: 0, queuedAt, startedAt: null });
    assert.equal(spans.measure(queued), null);
    await clock.tick(5_000);
    const started: Run = { ...queued, ...going, attempt: 1, startedAt: clock.now() }, from = clock.monotonic();
    for (const [index, { ms, jump }] of steps.entries()) {
      assert.equal(spans.measure({ ...started, attempt: 1 + index }), null);
      await clock.tick(ms);
      clock.jump(jump);
    }
    spans.measure(started);
    const took = steps.length === 0 ? 0 : clock.monotonic() - from;
    assert.equal(spans.measure({ ...started, status: "completed", endedAt: clock.now() }), took);
  }));
});

Deno.test("a run that never started took as long as it waited", async () => {
  const clock = new FakeClock(), spans = new RunSpans(clock);
  const queued = aRun({ ...going, status: "queued", attempt: 0, queuedAt: clock.now(), startedAt: null });
  spans.measure(queued);
  await clock.tick(500);
  clock.jump(-10_000);
  assert.equal(spans.measure({ ...queued, status: "dropped", endedAt: clock.now() }), 500);
});

Deno.test("of a run that an earlier kernel started, the wall times tell, and none took less than nothing", () => {
  const spans = new RunSpans(new FakeClock()), run = aRun({ ...going, attempt: 2, startedAt: 1_000 });
  spans.measure(run);
  assert.equal(spans.measure({ ...run, status: "completed", endedAt: 3_500 }), 2_500);
  assert.equal(spans.measure({ ...run, status: "completed", endedAt: 500 }), 0);
});
