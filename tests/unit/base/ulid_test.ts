import assert from "node:assert/strict";
import { createUlids } from "../../../src/base/ulid.ts";
import fc from "../../support/fast_check.ts";

Deno.test("ids sort in the order of their creation, whatever the clock does, and no two are equal", () => {
  fc.assert(fc.property(fc.array(fc.nat({ max: 2 ** 48 - 1 }), { minLength: 2, maxLength: 50 }), (times) => {
    let at = 0;
    const next = createUlids(() => times[Math.min(at++, times.length - 1)] ?? 0);
    const ids = Array.from({ length: times.length * 2 }, next);
    assert.deepEqual(ids, ids.toSorted());
    assert.equal(new Set(ids).size, ids.length);
    for (const id of ids) assert.match(id, /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
  }));
});

// The example of the specification: 01ARYZ6S41 is 1469918176385.
Deno.test("an id begins with its time, encoded as the ULID specification says", () => {
  assert.equal(createUlids(() => 1_469_918_176_385)().slice(0, 10), "01ARYZ6S41");
});
