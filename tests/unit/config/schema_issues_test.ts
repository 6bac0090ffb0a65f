/** The errors of the schema, in words for a person. */
import assert from "node:assert/strict";
import { parseNerveConfig } from "../../../src/config/parse.ts";
import { hintOf, linesOf } from "../../support/parsed_config.ts";

Deno.test("an unknown key is an error at the key, with the nearest known one", () => {
  const text = "senses:\n  cpu:\n    thottle: 10s\n";
  assert.deepEqual(linesOf(text), ['nerve.yaml:3:5 error senses.cpu.thottle: unknown key "thottle"']);
  assert.equal(hintOf(text, "senses.cpu.thottle"), 'did you mean "throttle"?');
  assert.equal(hintOf("senes: {}\n", "senes"), 'did you mean "senses"?');
  assert.equal(hintOf("groups: { g: { memry: 1GiB } }\n", "groups.g.memry"), 'did you mean "memory"?');
  assert.equal(
    hintOf("reflexes: [{ sense: a, intervall: 1s }]\n", "reflexes[0].intervall"),
    'did you mean "interval"?',
  );
  assert.equal(hintOf("workflows: { w: { maxQueue: 1 } }\n", "workflows.w.maxQueue"), 'did you mean "max_queue"?');
});

Deno.test("a wrong value causes no second error: an invalid interval is not also reported as missing", () => {
  assert.deepEqual(linesOf("senses: { a: {} }\nreflexes: [{ sense: a, interval: soon }]\n"), [
    'nerve.yaml:2:24 error reflexes[0].interval: "soon" is not a duration: write 500ms, 5s, 10m, 1h, 1d or a sum such as 1h30m',
  ]);
  assert.deepEqual(linesOf("senses: [a]\nreflexes: [{ sense: a, interval: 1s }]\n"), [
    "nerve.yaml:1:1 error senses: must be a mapping",
  ]);
});

Deno.test("a reflex that names a workflow is one error that says what to do instead", () => {
  for (const reflex of ["{ workflow: cleanup, interval: 3s, foo: 1 }", "{ kind: workflow, name: cleanup }"]) {
    const parsed = parseNerveConfig(`senses: { a: {} }\nreflexes:\n  - ${reflex}\n  - { sense: a, interval: 3s }\n`);
    assert.ok(!parsed.ok);
    assert.equal(parsed.error.length, 1);
    assert.match(parsed.error[0]?.message ?? "", /cannot start a workflow/);
    assert.match(parsed.error[0]?.hint ?? "", /return a workflow directive/);
  }
});
