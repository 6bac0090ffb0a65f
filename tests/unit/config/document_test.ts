/** YAML as nerve reads it. Danger: a file that costs much more to read than to write. */
import assert from "node:assert/strict";
import { configDepthMax } from "../../../src/base/limits.ts";
import { parseNerveConfig } from "../../../src/config/parse.ts";
import { configOf, linesOf } from "../../support/parsed_config.ts";

Deno.test("text that is not YAML is an error with its place, and with a hint where one helps", () => {
  assert.match(linesOf("senses: {a: [}\n")[0] ?? "", /^nerve\.yaml:1:\d+ error is not YAML: /);
  assert.match(linesOf("senses:\n\ta: 1\n")[0] ?? "", /^nerve\.yaml:2:1 error .*[Tt]abs/);
  assert.match(linesOf("--- {}\n--- {}\n")[0] ?? "", /^nerve\.yaml:2:1 error contains more than one YAML document/);
  assert.deepEqual(linesOf("just text"), ["nerve.yaml:1:1 error must be a mapping"]);
});

Deno.test("a key that is given twice is an error at the second one", () => {
  assert.deepEqual(linesOf("senses:\n  a: {}\n  b: { timeout: 1s, timeout: 2s }\n  a: {}\n"), [
    "nerve.yaml:2:3 warning senses.a: no reflex schedules it",
    "nerve.yaml:3:3 warning senses.b: no reflex schedules it",
    "nerve.yaml:3:21 error senses.b.timeout: is given more than once",
    "nerve.yaml:4:3 error senses.a: is given more than once",
  ]);
});

Deno.test("values that are not JSON, and keys that are not names, are rejected", () => {
  for (const value of [".nan", ".inf", "{ [a]: 1 }", "{ __proto__: 1 }"]) {
    assert.equal(parseNerveConfig(`senses: { a: { config: { x: ${value} } } }`).ok, false, value);
  }
});

Deno.test("aliases repeat a value; an alias for nothing, or for itself, is an error", () => {
  const config = configOf("senses:\n  a: { permissions: &p { read: [/proc] } }\n  b: { permissions: *p }\n");
  assert.deepEqual(config.senses.get("b")?.permissions, { read: ["/proc"] });
  assert.match(linesOf("senses: { a: *nothing }\n")[0] ?? "", /the alias "nothing" has no anchor above it/);
  assert.match(linesOf("senses: &s { a: *s }\n")[0] ?? "", /the alias "s" has no anchor above it/);
});

Deno.test("an alias bomb is rejected at once and never expanded", () => {
  const levels = Array.from({ length: 30 }, (_, level) => {
    return level === 0 ? "x0: &x0 [a]" : `x${level}: &x${level} [${Array(10).fill(`*x${level - 1}`).join(",")}]`;
  });
  const text = `senses: { a: { config: { ${levels.join(", ")} } } }`;
  assert.ok(linesOf(text).some((line) => line.includes("exceeds the limit of")));
});

Deno.test("nesting is bounded in every notation", () => {
  const deep = configDepthMax + 10;
  for (
    const text of ["[".repeat(deep), `${"[".repeat(deep)}${"]".repeat(deep)}`, "- ".repeat(deep), "{".repeat(50_000)]
  ) {
    assert.equal(parseNerveConfig(`senses: { a: { config: { x:\n  ${text} } } }`).ok, false);
  }
  const nested = `senses: { a: { config: { x: ${"[".repeat(deep)}${"]".repeat(deep)} } } }`;
  assert.ok(linesOf(nested).some((line) => line.includes(`nests deeper than ${configDepthMax} levels`)));
});

Deno.test("placeOf() gives the place of a key and of a list item, and the parent's place for a missing one", () => {
  const parsed = parseNerveConfig("senses:\n  a:\n    group: g\nreflexes:\n  - { sense: a, interval: 1s }\n");
  assert.ok(parsed.ok);
  const { placeOf } = parsed.value;
  assert.deepEqual(placeOf(["senses", "a", "group"]), { file: "nerve.yaml", line: 3, column: 5 });
  assert.deepEqual(placeOf(["senses", "a", "timeout"]), { file: "nerve.yaml", line: 2, column: 3 });
  assert.deepEqual(placeOf(["reflexes", 0]), { file: "nerve.yaml", line: 5, column: 5 });
  assert.deepEqual(placeOf(["nothing"]), { file: "nerve.yaml", line: 1, column: 1 });
});
