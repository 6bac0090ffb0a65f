/** Problems as they are collected: up to a bound, and only counted beyond it. */
import assert from "node:assert/strict";
import { linesOf } from "../../support/parsed_config.ts";

Deno.test("thousands of problems are counted, not printed", () => {
  const wrong = Array.from({ length: 5_000 }, (_, index) => `  - { sense: nobody-${index}, interval: 1s }\n`).join("");
  const lines = linesOf(`senses: { a: {} }\nreflexes:\n${wrong}`);
  assert.equal(lines.length, 1_001);
  assert.match(lines.at(-1) ?? "", /^error 4001 more problems are not shown$/);
});
