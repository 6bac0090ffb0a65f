/** The matcher of log-pattern: it agrees with the engine's own regular expressions, and its cost stays bounded. */
import assert from "node:assert/strict";
import { Matcher } from "../../../lib/matcher.ts";
import { assertCost } from "../../support/cost.ts";
import fc from "../../support/fast_check.ts";
import { randomFrom, randomSeed } from "../../support/seed.ts";

/** Patterns that the sense supports, made of few characters so that they match often. */
const pattern: fc.Arbitrary<string> = fc.letrec<{ node: string; atom: string; sequence: string }>((tie) => ({
  atom: fc.oneof(
    { maxDepth: 2 },
    fc.constantFrom(
      "a",
      "b",
      "A",
      " ",
      ".",
      "\\d",
      "\\w",
      "\\S",
      "\\W",
      "[ab]",
      "[^a]",
      "[a-c\\d]",
      "\\.",
      "\u00fc",
      "\u20ac",
    ),
    tie("node").map((inner) => `(${inner})`),
    tie("node").map((inner) => `(?:${inner})`),
  ),
  sequence: fc.array(
    fc.oneof(
      {
        weight: 4,
        arbitrary: fc.tuple(tie("atom"), fc.constantFrom("", "", "*", "+", "?", "*?", "{2}", "{0,2}", "{1,}")),
      },
      { weight: 1, arbitrary: fc.constantFrom(["^", ""], ["$", ""], ["\\b", ""], ["\\B", ""]) },
    ).map((parts) => parts.join("")),
    { maxLength: 4 },
  ).map((parts) => parts.join("")),
  node: fc.array(tie("sequence"), { minLength: 1, maxLength: 3 }).map((options) => options.join("|")),
})).node.filter((text) => text.length <= 60);

const line = fc.array(fc.constantFrom("a", "b", "c", "A", "B", " ", "1", ".", "_", "\u00fc", "\u20ac"), {
  maxLength: 8,
})
  .map((characters) => characters.join(""));

/**
 * Shortens a line until the engine answers quickly: it tries one path after the other, which with one in ten seeds took
 * it minutes for eight characters and a repeated group. That is why the matcher exists.
 */
const short = (text: string, line: string) => /\)[*+{]/.test(text) ? [...line].slice(0, 4).join("") : line;

Deno.test("the matcher answers as the engine's regular expressions do, for every pattern and line", () => {
  fc.assert(
    fc.property(pattern, fc.array(line, { minLength: 1, maxLength: 5 }), (text, lines) => {
      const matcher = new Matcher(text), expected = new RegExp(text, "u");
      for (const each of lines.map((line) => short(text, line))) {
        assert.equal(matcher.test(each), expected.test(each), `/${text}/ on ${JSON.stringify(each)}`);
      }
    }),
    { numRuns: 3_000 },
  );
});

Deno.test("the matcher answers as they do when case is ignored, too", () => {
  fc.assert(
    fc.property(pattern, line, (text, whole) => {
      const each = short(text, whole);
      // With this flag the engine's own \w and \W differ, by two letters that no test uses.
      assert.equal(
        new Matcher(text, true).test(each),
        new RegExp(text, "ui").test(each),
        `/${text}/i on ${JSON.stringify(each)}`,
      );
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("a character of two code units is one character", () => {
  assert.ok(new Matcher("^.$").test("\u{1f600}"));
  assert.ok(new Matcher("a[\u{1f600}-\u{1f64f}]{2}b").test("a\u{1f600}\u{1f601}b"));
});

Deno.test("patterns on which other engines hang cost one pass over the line", () => {
  const long = "a".repeat(16_384);
  const passes = (text: string) => {
    const matcher = new Matcher(text);
    return () => {
      for (let pass = 0; pass < 10; pass++) {
        matcher.test(`${long}!`);
        matcher.test(`${long}?`);
      }
    };
  };
  for (
    const evil of [
      "(a+)+$",
      "(a|a)*b",
      "(a|aa)+$b",
      "(.*)*x",
      "a.*a.*a.*a.*a.*x",
      "(\\w+\\s?)*!",
      "^(([a-z])+.)+[A-Z]([a-z])+$",
    ]
  ) {
    // It costs as much as a harmless pattern; an algorithm that reads the line once for each of its characters takes a
    // thousand times as long, and an engine that tries one path after the other does not end at all.
    assertCost(passes(evil), 50, passes("a*b"), evil);
  }
});

Deno.test("the worst accepted pattern costs time in proportion to the line, also for lines made to defeat the cache", () => {
  const random = randomFrom(randomSeed());
  const lines = Array.from(
    { length: 3 },
    () => Array.from({ length: 4_096 }, () => random() < 0.5 ? "a" : "b").join(""),
  );
  const through = (text: string) => () => {
    const matcher = new Matcher(text);
    for (const each of lines) matcher.test(each);
  };
  // Eight times as long for ten times the pattern, which could have 2 to the power of 400 states.
  assertCost(through("(a|b)*a(a|b){400}c"), 50, through("(a|b)*a(a|b){40}c"), "the worst pattern");
});
