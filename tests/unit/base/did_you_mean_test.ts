import assert from "node:assert/strict";
import { countEdits, findNearest, hintNearest } from "../../../src/base/did_you_mean.ts";
import fc from "../../support/fast_check.ts";

const keys = ["throttle", "timeout", "grace_period", "config"];

Deno.test("the nearest name is found despite a typo, swapped letters, other case and an underscore", () => {
  assert.equal(findNearest("thottle", keys), "throttle");
  assert.equal(findNearest("timoeut", keys), "timeout");
  assert.equal(findNearest("gracePeriod", keys), "grace_period");
  assert.equal(findNearest("Config", keys), "config");
  assert.equal(findNearest("disk_usage", ["disk-usage"]), "disk-usage");
});

Deno.test("a name that resembles no other has no nearest name", () => {
  assert.equal(findNearest("memory", keys), null);
  assert.equal(findNearest("", keys), null);
  assert.equal(findNearest("h", ["a", "H2"]), null, "one letter is not a misspelling of another");
  assert.equal(findNearest("throttle".repeat(50), keys), null);
});

Deno.test("the hint lists a few known names when none is near, and stays silent over many", () => {
  assert.equal(hintNearest("zzz", ["a1", "b2"]), "known: a1, b2");
  assert.equal(hintNearest("zzzzzz", Array.from({ length: 13 }, (_, index) => `sense-${index}`)), null);
  assert.equal(hintNearest("zzz", []), null);
});

Deno.test("edit distance is a distance: zero only to itself, symmetric, one for one edit", () => {
  const word = fc.string({ maxLength: 12 });
  fc.assert(fc.property(word, word, (a, b) => {
    assert.equal(countEdits(a, b) === 0, a === b);
    assert.equal(countEdits(a, b), countEdits(b, a));
    assert.ok(countEdits(a, b) <= Math.max(a.length, b.length));
    assert.equal(countEdits(a, `${a}x`), 1);
  }));
});
