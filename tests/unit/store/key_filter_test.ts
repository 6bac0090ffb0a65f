/** The danger: a key that was added is taken for new, and its delivery is taken in twice. */
import assert from "node:assert/strict";
import { KeyFilter } from "../../../src/store/hooks/key_filter.ts";
import fc from "../../support/fast_check.ts";

Deno.test("a key that was added is always found, whatever its text", () => {
  const filter = new KeyFilter();
  fc.assert(fc.property(fc.array(fc.string({ unit: "binary", maxLength: 30 }), { maxLength: 20 }), (keys) => {
    for (const key of keys) filter.add(key);
    for (const key of keys) assert.ok(filter.mayHave(key));
  }));
});

Deno.test("few others are taken for one that was added, also when there are a million", () => {
  const filter = new KeyFilter(), isFound = (n: number) => filter.mayHave(`new ${n}`);
  const added = (from: number, to: number) => {
    for (let n = from; n < to; n++) filter.add(`old ${n}`);
  };
  const countFound = (of: number) => Array.from({ length: of }, (_, n) => n).filter(isFound).length;
  added(0, 100_000);
  assert.ok(countFound(100_000) <= 1);
  added(100_000, 1_000_000);
  assert.ok(countFound(100_000) < 150, "one of 1,400 was calculated");
});
