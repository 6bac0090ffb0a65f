/** The patterns of log-pattern: those that are rejected because their cost would have no bound. */
import assert from "node:assert/strict";
import { Matcher } from "../../../lib/matcher.ts";

Deno.test("a pattern that is wrong, or has no bounded cost, is rejected with the reason", () => {
  const cases: [string, RegExp][] = [
    ["(a)\\1", /uses \\1/],
    ["(?=a)", /kind of group/],
    ["(?<!a)b", /kind of group/],
    ["(?<name>a)", /kind of group/],
    ["(a", /without its \)/],
    ["a)", /\) too many/],
    ["[a", /ends too early/],
    ["a\\", /ends too early/],
    ["*a", /repeats nothing/],
    ["a**", /repeats nothing/],
    ["^*", /takes no character/],
    ["a{2,1}", /out of order/],
    ["[b-a]", /out of order/],
    ["a{x}", /begins no repetition/],
    ["\\p{L}", /uses \\p/],
    ["(((a{100}){100}){100}){100}", /repeats too much/],
    ["a{9999}", /repeats too much/],
    ["a".repeat(501), /at most 500/],
  ];
  for (const [text, reason] of cases) {
    assert.throws(
      () => new Matcher(text),
      (thrown: Error) => thrown instanceof TypeError && reason.test(thrown.message),
      text,
    );
  }
});
