import assert from "node:assert/strict";
import { Deduplication } from "../../../src/hooks/deduplication.ts";
import fc from "../../support/fast_check.ts";

Deno.test("a delivery on its way to the disk is found by each of its keys, until it is there or lost", () => {
  const known = new Deduplication(() => null), delivery = { id: 7, stored: Promise.resolve(null) };
  known.add(["a", "b"], delivery);
  assert.equal(known.find(["x", "b"]), delivery);
  assert.equal(known.find(["x"]), null);
  known.remove(["a", "b"]);
  assert.equal(known.find(["a", "b"]), null);
});

Deno.test("one on disk is found by the log, which is asked only when none is on its way", () => {
  const asked: string[][] = [];
  const known = new Deduplication((keys) => (asked.push([...keys]), keys.includes("old") ? 3 : null));
  assert.deepEqual(known.find(["new", "old"]), { id: 3, stored: null });
  known.add(["new"], { id: 4, stored: Promise.resolve(null) });
  assert.equal(known.find(["old", "new"])?.id, 4);
  assert.deepEqual([known.find([]), asked], [null, [["new", "old"], []]]);
});

Deno.test("of deliveries that overlap in a key, each finds the first, whatever order they end in", () => {
  const key = fc.constantFrom("a", "b", "c", "d"), keys = fc.uniqueArray(key, { minLength: 1, maxLength: 3 });
  fc.assert(fc.property(fc.array(fc.tuple(keys, fc.boolean()), { maxLength: 30 }), (deliveries) => {
    const disk = new Map<string, number>(), pending: { id: number; keys: string[] }[] = [];
    const known = new Deduplication((wanted) =>
      wanted.map((each) => disk.get(each)).find((id) => id !== undefined) ?? null
    );
    deliveries.forEach(([names, ends], id) => {
      const found = known.find(names),
        there = (each: string) => pending.some(({ keys }) => keys.includes(each)) || disk.has(each);
      assert.equal(found !== null, names.some(there));
      if (found === null) {
        known.add(names, { id, stored: Promise.resolve(null) });
        pending.push({ id, keys: names });
      }
      const first = ends ? pending.shift() : undefined;
      if (first === undefined) return;
      known.remove(first.keys);
      for (const each of first.keys) disk.set(each, first.id);
    });
  }));
});
