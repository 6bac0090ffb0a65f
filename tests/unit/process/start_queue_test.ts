/** Which process starts when. */
import assert from "node:assert/strict";
import { startSlotMaxMs } from "../../../src/base/limits.ts";
import { type QueuedStart, type StartOrder, StartQueue } from "../../../src/process/start_queue.ts";
import fc from "../../support/fast_check.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const due = (dueAt: number): StartOrder => ({ asked: false, dueAt });
const asked = (dueAt: number): StartOrder => ({ asked: true, dueAt });

function setUp(max: number) {
  const clock = new FakeClock(), queue = new StartQueue(clock, max), begun: string[] = [];
  const add = (name: string, order: StartOrder) => queue.add(order, () => void begun.push(name));
  return { clock, queue, begun, add };
}

Deno.test("starts begin in the order in which they are due, those that a person asked for before all others", () => {
  const { queue, begun, add } = setUp(1);
  const starts = [add("first", due(50)), add("later", due(30)), add("sooner", due(20)), add("asked", asked(99))];
  assert.deepEqual([begun, queue.waiting], [["first"], 3]);
  for (const start of [0, 0, 3, 2]) queue.end(starts[start] ?? assert.fail());
  assert.deepEqual(begun, ["first", "asked", "sooner", "later"]);
});

Deno.test("a waiting start comes earlier when something more urgent needs it, never later", () => {
  const { queue, begun, add } = setUp(1);
  const first = add("first", due(0)), a = add("a", due(10)), b = add("b", due(20));
  queue.hurry(b, asked(500));
  queue.hurry(a, due(400));
  queue.hurry(b, due(900));
  queue.end(first);
  queue.end(b);
  assert.deepEqual(begun, ["first", "b", "a"]);
});

Deno.test("a start that is given up while it waits never begins", () => {
  const { clock, queue, begun, add } = setUp(1);
  const first = add("first", due(0)), second = add("second", due(1));
  queue.end(second);
  queue.end(first);
  assert.deepEqual([begun, queue.waiting, clock.pending], [["first"], 0, 0]);
});

Deno.test("a start that hangs holds up the others for a while only", async () => {
  const { clock, queue, begun, add } = setUp(1);
  const hangs = add("hangs", due(0));
  add("next", due(1));
  await clock.tick(startSlotMaxMs - 1);
  assert.deepEqual(begun, ["hangs"]);
  await clock.tick(1);
  assert.deepEqual(begun, ["hangs", "next"]);
  queue.end(hangs);
  add("last", due(2));
  assert.equal(begun.length, 2, "its late end frees nothing a second time");
});

Deno.test("whatever is added, hurried and ended: the bound holds, each begins once, and the first in order is next", () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("add" as const), asked: fc.boolean(), dueAt: fc.integer({ min: 0, max: 20 }) }),
    fc.record({ kind: fc.constant("hurry" as const), pick: fc.nat(), asked: fc.boolean(), dueAt: fc.nat(20) }),
    fc.record({ kind: fc.constant("end" as const), pick: fc.nat() }),
  );
  fc.assert(fc.property(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 80 }), (max, steps) => {
    const queue = new StartQueue(new FakeClock(), max), begun = new Set<number>();
    const all: QueuedStart[] = [], ended = new Set<QueuedStart>();
    const waiting = () => all.filter((each) => !ended.has(each) && !begun.has(each.number));
    for (const each of steps) {
      const pick = "pick" in each ? all[each.pick % Math.max(1, all.length)] : undefined;
      if (each.kind === "add") {
        const number = all.length;
        all.push(queue.add({ asked: each.asked, dueAt: each.dueAt }, () => {
          assert.ok(!begun.has(number), "begins once");
          // A start that begins while it is added was first anyway: nothing else waited.
          for (const other of waiting()) {
            const mine = all[number]?.order;
            if (mine === undefined || other.number === number) continue;
            const before = other.order.asked === mine.asked ? other.order.dueAt < mine.dueAt : other.order.asked;
            assert.ok(!before, "what begins was first");
          }
          begun.add(number);
        }));
      } else if (pick !== undefined && each.kind === "hurry") {
        queue.hurry(pick, { asked: each.asked, dueAt: each.dueAt });
      } else if (pick !== undefined) {
        ended.add(pick);
        queue.end(pick);
      }
      const underWay = all.filter((one) => begun.has(one.number) && !ended.has(one)).length;
      assert.ok(underWay <= max && (underWay === max || waiting().length === 0), "full, or nothing waits");
    }
  }));
});
