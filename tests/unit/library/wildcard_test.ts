/** Names with wildcards. */
import assert from "node:assert/strict";
import { toFilter, toMatcher } from "../../../lib/wildcard.ts";

Deno.test("toMatcher() takes * for any text, and all else as it is", () => {
  for (
    const [text, name] of [["a*", "abc"], ["*", ""], ["*b*", "abc"], ["a.b(1)", "a.b(1)"], ["[x]*", "[x]y\nz"]] as const
  ) {
    assert.ok(toMatcher(text)([name]), `${text} ${name}`);
  }
  for (const [text, name] of [["a*", "ba"], ["a.b", "axb"], ["", "a"], ["a?", "ab"], ["a|b", "a"]] as const) {
    assert.ok(!toMatcher(text)([name]), `${text} ${name}`);
  }
});

Deno.test("toFilter() counts what is wanted, or all, and not what is ignored", () => {
  assert.ok(toFilter([], [])(["a"]));
  assert.ok(toFilter(["b*"], ["*c"])(["a", "bx"]));
  assert.ok(!toFilter(["b*"], ["*c"])(["bc"]));
  assert.ok(!toFilter(["b*"], [])(["a"]));
});
