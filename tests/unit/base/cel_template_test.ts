import assert from "node:assert/strict";
import { compileTemplate } from "../../../src/base/cel_template.ts";

const variables = { signal: "dyn", key: "string" } as const;

function render(text: string, signal: unknown): string {
  const compiled = compileTemplate(text, variables);
  assert.ok(compiled.ok, text);
  return compiled.value.render({ signal, key: "/" });
}

Deno.test("a template is text with expressions", () => {
  assert.equal(render("{{ key }} is {{ round(signal.used * 100) }}% full", { used: 0.934 }), "/ is 93% full");
  assert.equal(render("no expression", null), "no expression");
  assert.equal(render("{{ signal.a }}{{ signal.b }}", { a: 1, b: "x" }), "1x");
  assert.equal(render("{{ '}}' + signal.b }} }}", { b: "x" }), "}}x }}");
});

Deno.test("numbers have at most six significant digits, whole ones all of theirs", () => {
  assert.equal(render("{{ signal.v }}", { v: 0.1 + 0.2 }), "0.3");
  assert.equal(render("{{ signal.v }}", { v: 93.45678912 }), "93.4568");
  assert.equal(render("{{ signal.v }} {{ signal.v + 1 }} {{ 1 + 1 }}", { v: 123_456_789 }), "123456789 123456790 2");
  assert.equal(render("{{ signal.v }}", { v: 1.5e-9 }), "1.5e-9");
});

Deno.test("other values are JSON, and a boolean is a word", () => {
  assert.equal(render("{{ signal }}", { a: [1, true] }), '{"a":[1,true]}');
  assert.equal(render("{{ signal.a }} {{ signal.b }}", { a: null, b: false }), "null false");
  assert.equal(render("{{ [1, 2] }}", null), "[1,2]");
});

Deno.test("faults have their offset in the text", () => {
  const compiled = compileTemplate("a {{ key }} {{ kye }} {{ 1 + }}", variables);
  assert.ok(!compiled.ok);
  assert.deepEqual(compiled.error.map(({ start }) => start), [15, 29]);
  const open = compileTemplate("a {{ key", variables);
  assert.ok(!open.ok);
  assert.match(open.error[0]?.message ?? "", /has no }}/);
});
