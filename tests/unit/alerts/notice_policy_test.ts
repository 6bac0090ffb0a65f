import assert from "node:assert/strict";
import type { LimitWindow } from "../../../src/alerts/entry.ts";
import { findNextNotice, takeStart } from "../../../src/alerts/notice_policy.ts";
import { type AlertRecord, createRecord } from "../../../src/alerts/record.ts";
import fc from "../../support/fast_check.ts";

const hour = 3_600_000;

Deno.test("a window begins with its first start, and the first start that it leaves out is marked", () => {
  const limit = { count: 2, perMs: hour };
  let window: LimitWindow | null = null;
  const take = (now: number) => {
    const taken = takeStart(limit, window, now);
    window = taken.window;
    return taken.allowed ? "starts" : taken.isFirst ? "first left out" : "left out";
  };
  assert.deepEqual([10, 20, 30, 40, 10 + hour - 1, 10 + hour].map(take), [
    ...["starts", "starts", "first left out", "left out", "left out"],
    "starts",
  ]);
  assert.deepEqual(window, { from: 10 + hour, started: 1, left: 0 });
});

Deno.test("no window ever has more starts than its limit, and every call is counted", () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 60 });
  fc.assert(fc.property(fc.integer({ min: 1, max: 5 }), gaps, (count, steps) => {
    const limit = { count, perMs: 100 };
    let now = 0, window: LimitWindow | null = null, taken = 0, left = 0;
    for (const step of steps) {
      now += step;
      const result = takeStart(limit, window, now);
      const isNew = result.window.from !== (window as LimitWindow | null)?.from;
      taken = (isNew ? 0 : taken) + Number(result.allowed);
      left = (isNew ? 0 : left) + Number(!result.allowed);
      window = result.window;
      assert.deepEqual([window.started, window.left], [taken, left]);
      assert.ok(taken <= count && now - window.from < limit.perMs);
    }
  }));
});

const firing = (changes: Partial<AlertRecord> = {}): AlertRecord => {
  const record = createRecord("full", "", 0);
  return { ...record, machine: { ...record.machine, status: "firing" }, since: 1_000, ...changes };
};
const next = (record: AlertRecord, repeatMs: number | null, silencedUntil: number | null = null) =>
  findNextNotice(record, { repeatMs, silencedUntil, now: 5_000 });

Deno.test("a firing state is repeated after the last notice that was due, or after its beginning", () => {
  assert.equal(next(firing(), hour), 1_000 + hour);
  assert.equal(next(firing({ triedAt: 3_000, toldAt: 2_000 }), hour), 3_000 + hour);
  assert.equal(next(firing({ since: null }), hour), 5_000 + hour);
});

Deno.test("nothing is due without repeat, for an acknowledged state, and for one that does not fire", () => {
  const ack = { by: "ada", comment: null, at: 2_000 };
  assert.equal(next(firing(), null), null);
  assert.equal(next(firing({ ack }), hour), null);
  assert.equal(next(firing({ ack, heldBack: "silenced" }), null), null);
  assert.equal(next(createRecord("full", "", 0), hour), null);
});

Deno.test("what a silence held back is due when it ends, also without repeat, unless an earlier notice went out", () => {
  const held = firing({ heldBack: "silenced" });
  assert.equal(next(held, null, 9_000), 9_000);
  assert.equal(next(held, null), 5_000);
  assert.equal(next(firing({ heldBack: "silenced", toldAt: 2_000 }), null, 9_000), null);
  assert.equal(next(firing({ heldBack: "limited" }), null), null);
  assert.equal(next(firing({ triedAt: 2_000 }), 1_000, 9_000), 9_000, "a repeat waits for the silence, too");
});
