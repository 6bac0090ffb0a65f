import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { isDeepEqual } from "../../../src/base/deep_equal.ts";
import fc from "../../support/fast_check.ts";

const key = fc.oneof(fc.constantFrom("constructor", "__proto__", "a", "b", "length"), fc.string());
const value = fc.anything({
  key,
  maxDepth: 3,
  withDate: true,
  withMap: true,
  withSet: true,
  withNullPrototype: true,
  withSparseArray: true,
});

Deno.test("isDeepEqual() says what node:util says, of any two values", () => {
  fc.assert(fc.property(value, value, (a, b) => assert.equal(isDeepEqual(a, b), isDeepStrictEqual(a, b))), {
    numRuns: 500,
  });
  fc.assert(fc.property(fc.clone(value, 2), ([a, b]) => assert.equal(isDeepEqual(a, b), isDeepStrictEqual(a, b))), {
    numRuns: 500,
  });
});

// dequal and fast-deep-equal answer no here: an own key decides which class they assume.
Deno.test("a key named constructor is a key like any other", () => {
  const text = '{"constructor": {"a": [1, {"__proto__": 2}]}}';
  assert.equal(isDeepEqual(JSON.parse(text), JSON.parse(text)), true);
  assert.equal(isDeepEqual({ a: undefined }, {}), false);
  assert.equal(isDeepEqual([0], [-0]), false);
});
