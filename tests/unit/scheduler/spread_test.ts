import assert from "node:assert/strict";
import { spreadBy } from "../../../src/scheduler/spread.ts";
import fc from "../../support/fast_check.ts";

Deno.test("a sense's delay is always the same, a whole number of milliseconds, and less than the jitter", () => {
  fc.assert(fc.property(fc.string(), fc.nat(10 ** 8), (sense, jitterMs) => {
    const delay = spreadBy(sense, jitterMs);
    assert.equal(delay, spreadBy(sense, jitterMs));
    assert.ok(Number.isSafeInteger(delay) && delay >= 0 && delay < Math.max(1, jitterMs));
  }));
});

Deno.test("senses with similar names are spread evenly", () => {
  const tenths = new Array(10).fill(0);
  for (let index = 0; index < 2_000; index++) tenths[Math.floor(spreadBy(`sense-${index}`, 5_000) / 500)]++;
  for (const count of tenths) assert.ok(count > 140 && count < 260, `${tenths}`);
});
