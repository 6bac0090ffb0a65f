import assert from "node:assert/strict";
import type { NewLogRow } from "../../../src/protocol/log.ts";
import { type RepeatableRow, RepeatLimiter, repeatWindowMs } from "../../../src/sensing/repeat_limiter.ts";
import { FakeClock } from "../../support/fake_clock.ts";

function harness() {
  const clock = new FakeClock(), rows: NewLogRow[] = [];
  return { clock, rows, folded: new RepeatLimiter(clock, (row) => void rows.push(row)) };
}

const row = (sense: string, payload: RepeatableRow["payload"] = {}): RepeatableRow => (
  { source: `sense:${sense}`, type: "sense.null", refId: sense, causeId: null, payload }
);

Deno.test("RepeatLimiter.record() writes the first of a kind at once, and one row a minute for all its repetitions", async () => {
  const { clock, rows, folded } = harness();
  assert.equal(folded.record(row("a", { n: 0 }), ""), true);
  for (let n = 1; n <= 50; n++) assert.equal(folded.record(row("a", { n }), ""), false);
  assert.deepEqual(rows.map(({ payload }) => payload), [{ n: 0 }]);
  await clock.tick(repeatWindowMs);
  assert.deepEqual(rows.map(({ payload }) => payload), [{ n: 0 }, { n: 50, repeated: 50 }], "the last stands for all");
  folded.record(row("a", { n: 51 }), "");
  await clock.tick(repeatWindowMs);
  assert.deepEqual(rows.at(-1)?.payload, { n: 51, repeated: 1 });
});

Deno.test("RepeatLimiter.record() treats a repetition after a quiet minute as new, and then holds no timer", async () => {
  const { clock, rows, folded } = harness();
  folded.record(row("a"), "");
  await clock.tick(repeatWindowMs);
  assert.equal(clock.pending, 0);
  assert.equal(folded.record(row("a"), ""), true);
  assert.equal(rows.length, 2);
  assert.ok(rows.every(({ payload }) => !("repeated" in Object(payload))));
});

Deno.test("RepeatLimiter.record() keeps sources, types and kinds apart", () => {
  const { rows, folded } = harness();
  for (let round = 0; round < 3; round++) {
    folded.record(row("a"), "");
    folded.record(row("b"), "");
    folded.record({ ...row("a"), type: "sense.error" }, "one");
    folded.record({ ...row("a"), type: "sense.error" }, "two");
  }
  assert.deepEqual(rows.map(({ source, type }) => `${source} ${type}`), [
    "sense:a sense.null",
    "sense:b sense.null",
    "sense:a sense.error",
    "sense:a sense.error",
  ]);
});

Deno.test("RepeatLimiter.record() bounds the number of kinds: an error with a new text each time is not written each time", async () => {
  const { clock, rows, folded } = harness();
  for (let n = 0; n < 1_000; n++) folded.record(row("a", { n }), `error number ${n}`);
  assert.equal(rows.length, 21, "twenty kinds and one for all the others");
  await clock.tick(repeatWindowMs);
  assert.deepEqual(rows.at(-1)?.payload, { n: 999, repeated: 979 });
});

Deno.test("RepeatLimiter.flush() writes what is still folded, once, and leaves no timer", async () => {
  const { clock, rows, folded } = harness();
  for (let n = 0; n < 3; n++) folded.record(row("a", { n }), "");
  folded.flush();
  assert.deepEqual(rows.at(-1)?.payload, { n: 2, repeated: 2 });
  folded.flush();
  await clock.tick(10 * repeatWindowMs);
  assert.equal(rows.length, 2);
  assert.equal(clock.pending, 0);
});
