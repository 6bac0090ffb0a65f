import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { type Batch, CommitTiming, createBatch } from "../../../src/store/commit/commit_timing.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const slowMs = 5;

function bench(): { timing: CommitTiming; clock: FakeClock; committed: Batch[]; endCommit(waiting: number): void } {
  const clock = new FakeClock(), committed: Batch[] = [];
  const timing = new CommitTiming(clock, (batch) => committed.push(batch));
  // One slow commit does not make a slow disk.
  timing.recordCommit(createBatch(false), slowMs, null);
  assert.equal(timing.slow, false);
  /** Ends a commit that took 5 ms, for which `waiting` writers waited. */
  const endCommit = (waiting: number) => {
    const batch = createBatch(true);
    batch.waiting = waiting;
    timing.recordCommit(batch, slowMs, null);
  };
  return { timing, clock, committed, endCommit };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

// On a disk of 5 ms, a commit with only half of the returning writers makes all of them wait for two.
Deno.test("writers that were notified of a slow commit share the next one, although they do not come at the same time", async () => {
  const { timing, clock, committed, endCommit } = bench();
  endCommit(3);
  const batch = createBatch(true);
  timing.enqueueAwaited(batch);
  await clock.tick(1);
  timing.enqueueAwaited(batch);
  await turn();
  assert.deepEqual(committed, [], "one is to come");
  timing.enqueueAwaited(batch);
  await turn();
  assert.deepEqual(committed, [batch]);
});

Deno.test("after a slow commit a batch waits at most half its duration for other writers, and a single writer not at all", async () => {
  const { timing, clock, committed, endCommit } = bench();
  endCommit(3);
  const batch = createBatch(true);
  timing.enqueueAwaited(batch);
  await clock.tick(slowMs / 2 - 1);
  assert.deepEqual(committed, []);
  await clock.tick(1);
  assert.deepEqual(committed, [batch]);
  endCommit(1);
  const alone = createBatch(true);
  timing.enqueueAwaited(alone);
  await turn();
  assert.deepEqual(committed, [batch, alone]);
});

Deno.test("a batch that has waited for a slow commit also waits for the writers that were notified of it", async () => {
  const { timing, clock, committed } = bench();
  const first = createBatch(true), next = createBatch(true);
  first.waiting = 2;
  next.waiting = 2;
  next.due = true;
  timing.recordCommit(first, slowMs, next);
  await turn();
  assert.deepEqual(committed, []);
  timing.enqueueAwaited(next);
  timing.enqueueAwaited(next);
  await turn();
  assert.deepEqual(committed, [next]);
  await clock.tick(slowMs);
});

Deno.test("a batch that has waited for a fast commit goes at once, before any writer is notified of that commit", () => {
  const { timing, committed } = bench(), next = createBatch(true);
  next.due = true;
  timing.recordCommit(createBatch(true), 0.2, next);
  assert.deepEqual(committed, [next]);
});
