/** Days of the archive, and their names. */
import assert from "node:assert/strict";
import { dayMs, dayOf, parseDay, startOfDay } from "../../../src/store/archive/days.ts";
import fc from "../../support/fast_check.ts";

Deno.test("a day's name leads back to its first millisecond, and no other text is a day's name", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) }), (ms) => {
    assert.equal(parseDay(dayOf(ms)), startOfDay(ms));
    assert.ok(startOfDay(ms) <= ms && ms < startOfDay(ms) + dayMs);
  }));
  for (const text of ["2026-02-30", "2026-2-3", "20260203", "2026-13-01", "today", "", "2026-02-03T00:00:00Z"]) {
    assert.equal(parseDay(text), null, text);
  }
});
