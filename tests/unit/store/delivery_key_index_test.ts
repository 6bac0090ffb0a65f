/** The danger: a key that was added is not found, and its delivery is accepted twice. */
import assert from "node:assert/strict";
import { DeliveryKeyIndex } from "../../../src/store/hooks/delivery_key_index.ts";
import fc from "../../support/fast_check.ts";

Deno.test("each key leads to its row, whatever was added and forgotten, and to few others", () => {
  const step = fc.record({
    added: fc.array(fc.oneof(fc.string({ maxLength: 4 }), fc.string({ unit: "binary" })), { maxLength: 12 }),
    /** How often each is added: the places grow. */
    times: fc.constantFrom(1, 1, 1, 200),
    forgotten: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const index = new DeliveryKeyIndex(), rows = new Map<number, string>();
      let row = 0, from = 1;
      for (const { added, times, forgotten } of steps) {
        for (
          const key of added.flatMap((text) => Array.from({ length: times }, (_, n) => n === 0 ? text : `${text}${n}`))
        ) {
          index.add(key, ++row);
          rows.set(row, key);
        }
        from += Math.floor((row - from + 1) * forgotten);
        index.forgetUpTo(from - 1);
      }
      for (const [row, key] of rows) assert.equal(index.find(key).includes(row), row >= from, `${key} of row ${row}`);
    }),
    { numRuns: 30 },
  );
});

Deno.test("of 200,000 keys, each leads to its row alone, and others lead to none", () => {
  const index = new DeliveryKeyIndex(), count = 200_000;
  for (let row = 1; row <= count; row++) index.add(`key ${row}`, row);
  let more = 0;
  for (let row = 1; row <= count; row++) {
    more += index.find(`key ${row}`).length - 1 + index.find(`other ${row}`).length;
  }
  // Of 32 bits; about 20 are expected.
  assert.ok(more < 60, `${more} more`);
});
