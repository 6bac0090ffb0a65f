/** Values in the body of a request. */
import assert from "node:assert/strict";
import { fillTemplate } from "../../../lib/template.ts";

const values = {
  prompt: 'say "hi"\n{{runId}}',
  runId: "r1",
  payload: { used: 0.9, list: [1, null], "a-b": { c: true } },
};

Deno.test("fillTemplate() puts in values as they are where they stand alone, and as text within a text", () => {
  const template = {
    "{{runId}}": ["{{payload.used}}", "{{ payload.list }}", "{{payload.a-b.c}}"],
    t: "at {{payload.used}}: {{prompt}}",
  };
  assert.deepEqual(fillTemplate(template, values), {
    "{{runId}}": [0.9, [1, null], true],
    t: 'at 0.9: say "hi"\n{{runId}}',
  });
});

Deno.test("fillTemplate() finds nothing where nothing is, nor what every object has", () => {
  const template = [
    "{{payload.none.deeper}}",
    "{{payload.constructor}}",
    "{{payload.list.length}}",
    "<{{nothing}}>",
    1,
    null,
  ];
  assert.deepEqual(fillTemplate(template, values), [null, null, 2, "<>", 1, null]);
});
