/** The YAML subset for templates of `develop`. Danger: a line that is read as something else. */
import assert from "node:assert/strict";
import { readOutline } from "../../../workflows/develop/outline.ts";

Deno.test("an outline has keys and lists by indentation, and everything else is an error that names its line", () => {
  const read = readOutline(
    'a: 1\nb: # why\n  c: "x: y"\n  d:\n    - one\n    - key: k\n      more: m # no\ne: it # is\n',
  );
  assert.deepEqual(read, { a: 1, b: { c: "x: y", d: ["one", { key: "k", more: "m" }] }, e: "it" });
  const faults = {
    "a: [1]": /line 1/,
    "a: 1\n  b: 2": /line 2/,
    "a:": /empty|missing/,
    "a: 1\na: 2": /line 2: a is there twice/,
    "\ta: 1": /line 1: indent/,
    "- a\nb: 1": /line 2/,
    "a: &b 1": /line 1/,
  };
  for (const [text, why] of Object.entries(faults)) assert.throws(() => readOutline(text), why, text);
});
