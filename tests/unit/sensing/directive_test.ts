import assert from "node:assert/strict";
import { maxRoundsMax, promptMaxBytes } from "../../../src/base/limits.ts";
import type { Json } from "../../../src/protocol/json.ts";
import { routeSenseComputeOutput } from "../../../src/sensing/directive.ts";
import fc from "../../support/fast_check.ts";

const known = new Set(["cleanup", "code-review"]);
const route = (value: Json) => routeSenseComputeOutput(value, (name) => known.has(name));

Deno.test("a text directive starts its workflow with the rest as the payload, and no signal", () => {
  assert.deepEqual(route({ path: "/", workflow: "cleanup|10|/ is 95% full" }), {
    kind: "workflow",
    directive: { name: "cleanup", maxRounds: 10, prompt: "/ is 95% full" },
    payload: { path: "/" },
  });
});

Deno.test("only the first two bars split the text: any prompt is kept as it is", () => {
  fc.assert(fc.property(fc.string(), fc.integer({ min: 1, max: maxRoundsMax }), (prompt, maxRounds) => {
    const routed = route({ a: 1, workflow: `cleanup|${maxRounds}|${prompt}` });
    assert.deepEqual(routed, {
      kind: "workflow",
      directive: { name: "cleanup", maxRounds, prompt },
      payload: { a: 1 },
    });
  }));
  for (const prompt of ["a|b||c|", "two\nlines\r\n", " spaced ", "|", ""]) {
    assert.equal(directiveOf({ workflow: `cleanup|1|${prompt}` }).prompt, prompt);
  }
});

Deno.test("blanks around the name and the rounds do not matter", () => {
  assert.deepEqual(directiveOf({ workflow: " cleanup | 3 |x" }), { name: "cleanup", maxRounds: 3, prompt: "x" });
});

Deno.test("the object form means the same; without rounds and prompt the workflow's limit and an empty prompt apply", () => {
  const full = { name: "cleanup", maxRounds: 7, prompt: "a|b\nc" };
  assert.deepEqual(directiveOf({ workflow: full }), full);
  assert.deepEqual(directiveOf({ workflow: { name: "cleanup" } }), { name: "cleanup", maxRounds: null, prompt: "" });
});

Deno.test("workflow: null or an empty text means a signal without the key, and no warning", () => {
  for (const workflow of [null, ""]) {
    assert.deepEqual(route({ a: 1, workflow }), { kind: "signal", payload: { a: 1 }, warning: null });
  }
});

Deno.test("a value that is not an object is a signal as it is, and only the top level is checked", () => {
  for (
    const value of [1, "workflow", "cleanup|1|x", true, [], [{ workflow: "cleanup|1|x" }], { a: { workflow: "x" } }]
  ) {
    assert.deepEqual(route(value as Json), { kind: "signal", payload: value, warning: null });
  }
});

Deno.test("a directive that cannot be followed is a signal without the key, with a warning that says why", () => {
  const wrong: [Json, RegExp][] = [
    ["cleanup", /form name\|maxRounds\|prompt/],
    ["cleanup|3", /form name\|maxRounds\|prompt/],
    ["cleanup||go", /maxRounds "" is not a whole number/],
    ["cleanup|3.5|go", /"3\.5" is not a whole number/],
    ["cleanup|-1|go", /"-1" is not a whole number/],
    ["cleanup|1e3|go", /"1e3" is not/],
    ["cleanup|0|go", /maxRounds 0 is not/],
    [`cleanup|${maxRoundsMax + 1}|go`, /not a whole number from 1 to/],
    [`cleanup|${"9".repeat(400)}|go`, /maxRounds Infinity is not/],
    ["unknown|3|go", /no workflow "unknown"/],
    ["|3|go", /no workflow ""/],
    ["__proto__|3|go", /no workflow "__proto__"/],
    [`cleanup|3|${"x".repeat(promptMaxBytes + 1)}`, /prompt is larger/],
    [7, /neither a string nor an object/],
    [true, /neither a string nor an object/],
    [["cleanup", 1, "x"], /neither a string nor an object/],
    [{}, /name is not a string/],
    [{ name: "cleanup", maxRounds: "3" }, /maxRounds is not a number/],
    [{ name: "cleanup", maxRounds: 1.5 }, /maxRounds 1\.5/],
    [{ name: "cleanup", prompt: 3 }, /prompt is not a string/],
  ];
  for (const [workflow, expected] of wrong) {
    const routed = route({ a: 1, workflow });
    assert.equal(routed.kind, "signal", JSON.stringify(workflow).slice(0, 100));
    assert.deepEqual(routed.payload, { a: 1 });
    assert.match(routed.warning ?? "", expected);
    assert.ok((routed.warning ?? "").length < 300, "a warning fits on a line or two");
  }
});

Deno.test("any JSON is routed without throwing, and the payload never holds the key workflow", () => {
  const directive = fc.oneof(
    fc.jsonValue(),
    fc.tuple(fc.constantFrom("cleanup", "", "no"), fc.string(), fc.string()).map((parts) => parts.join("|")),
    fc.record({ name: fc.jsonValue(), maxRounds: fc.jsonValue(), prompt: fc.jsonValue() }, { requiredKeys: [] }),
  );
  const output = fc.oneof(
    fc.jsonValue(),
    fc.tuple(fc.dictionary(fc.string(), fc.jsonValue()), directive).map(([rest, workflow]) => ({ ...rest, workflow })),
  );
  fc.assert(fc.property(output, (value) => {
    // As it arrives: keys such as __proto__ are ordinary keys there.
    const routed = route(JSON.parse(JSON.stringify(value)));
    if (typeof routed.payload === "object" && routed.payload !== null && !Array.isArray(routed.payload)) {
      assert.ok(!Object.hasOwn(routed.payload, "workflow"));
    }
    if (routed.kind === "workflow") assert.ok(known.has(routed.directive.name));
  }));
});

function directiveOf(value: Json): unknown & { prompt: string } {
  const routed = route(value);
  if (routed.kind !== "workflow") assert.fail(`no directive: ${JSON.stringify(routed)}`);
  return routed.directive;
}
