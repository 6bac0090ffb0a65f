import assert from "node:assert/strict";
import { TimerHeap } from "../../../src/base/timer_heap.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import fc from "../../support/fast_check.ts";

Deno.test("deadlines fire in order and on time, whatever was added and cancelled", async () => {
  const operation = fc.oneof(
    { weight: 6, arbitrary: fc.record({ add: fc.nat(500) }) },
    { weight: 3, arbitrary: fc.record({ cancel: fc.nat(200) }) },
    { weight: 1, arbitrary: fc.record({ pass: fc.nat(60) }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 150, size: "max" }), async (operations) => {
      const clock = new FakeClock();
      const heap = new TimerHeap(clock);
      const timers: ReturnType<TimerHeap["add"]>[] = [];
      const expected = new Map<number, number>();
      const fired: { index: number; at: number }[] = [];
      for (const op of operations) {
        if ("pass" in op) await clock.tick(op.pass);
        else if ("add" in op) {
          const index = timers.length, due = clock.monotonic() + op.add;
          expected.set(index, due);
          timers.push(heap.add(due, () => void fired.push({ index, at: clock.monotonic() })));
        } else {
          const index = op.cancel % Math.max(1, timers.length), timer = timers[index];
          if (timer === undefined) continue;
          heap.cancel(timer);
          if (!fired.some((one) => one.index === index)) expected.delete(index);
        }
        assert.ok(clock.pending <= 1, "more than one timer of the clock");
      }
      await clock.tick(1_000);
      const sorted = [...expected].map(([index, at]) => ({ index, at })).sort((a, b) =>
        a.at - b.at || a.index - b.index
      );
      assert.deepEqual(fired, sorted);
      assert.equal(heap.size, 0);
      assert.equal(clock.pending, 0);
    }),
    { numRuns: 150 },
  );
});

Deno.test("thousands of deadlines use one timer of the clock, and none once they are cancelled", () => {
  const clock = new FakeClock();
  const heap = new TimerHeap(clock);
  const timers = Array.from({ length: 5_000 }, (_, index) => heap.add(10_000 - index, () => {}));
  assert.equal(clock.pending, 1);
  for (const timer of timers) heap.cancel(timer);
  assert.equal(heap.size, 0);
  assert.equal(clock.pending, 0);
});

Deno.test("a deadline that throws does not stop those after it", () => {
  const clock = new FakeClock();
  let wake = (): void => {};
  const heap = new TimerHeap({ monotonic: () => clock.monotonic(), after: (_ms, fire) => (wake = fire, () => {}) });
  const seen: string[] = [];
  heap.add(clock.monotonic(), () => {
    throw new Error("broken");
  });
  heap.add(clock.monotonic(), () => void seen.push("second"));
  assert.throws(() => wake(), /broken/);
  wake();
  assert.deepEqual(seen, ["second"]);
});

Deno.test("after clear() nothing fires, and the heap can be used again", async () => {
  const clock = new FakeClock();
  const heap = new TimerHeap(clock);
  const seen: string[] = [];
  const old = heap.add(clock.monotonic() + 5, () => void seen.push("old"));
  heap.clear();
  heap.add(clock.monotonic() + 5, () => void seen.push("new"));
  heap.cancel(old);
  await clock.tick(10);
  assert.deepEqual(seen, ["new"]);
});
