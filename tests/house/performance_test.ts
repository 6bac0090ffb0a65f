/** docs/performance.md states the figures to which the speed guard is held. */
import assert from "node:assert/strict";
import { boundOf, guarded } from "../bench/bounds.ts";

Deno.test("every figure that the speed guard bounds is in docs/performance.md beside its floor", () => {
  for (const each of Object.values(guarded)) {
    const bound = boundOf(each);
    assert.ok(bound >= 4 && bound < 100, `four times the ratio of ${each.figure}: ${bound}`);
  }
  assert.throws(() => boundOf({ figure: "nobody's", at: 0 }), /does not state "nobody's"/);
});
