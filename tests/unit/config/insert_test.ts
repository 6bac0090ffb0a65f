/** Where new entries go in a text. extend_test.ts checks, for any shape, that no text is lost. */
import assert from "node:assert/strict";
import { insertEntries } from "../../../src/config/yaml/insert.ts";

const cpu = new Map([["senses", ["  cpu: # busy", "    throttle: 1s"]]]);

Deno.test("an entry goes to the end of its section, after the comments that belong there", () => {
  assert.equal(
    insertEntries("senses:\n  a: {}\n  # about a\n# when\nreflexes: []\n", cpu),
    "senses:\n  a: {}\n  # about a\n  cpu: # busy\n    throttle: 1s\n# when\nreflexes: []\n",
  );
});

Deno.test("a missing section goes to the end of the document, and an empty one is filled where it stands", () => {
  assert.equal(insertEntries("max_rounds: 5\n", cpu), "max_rounds: 5\n\nsenses:\n  cpu: # busy\n    throttle: 1s\n");
  assert.equal(
    insertEntries("senses: {}\nretention: 1d\n", cpu),
    "senses:\n  cpu: # busy\n    throttle: 1s\nretention: 1d\n",
  );
  assert.equal(insertEntries("", cpu), "senses:\n  cpu: # busy\n    throttle: 1s\n");
});

Deno.test("an entry takes the indentation of its neighbours, and the line breaks of the file", () => {
  const deep = insertEntries("senses:\n    a: {}\n", cpu);
  assert.equal(deep, "senses:\n    a: {}\n    cpu: # busy\n      throttle: 1s\n");
  assert.equal(
    insertEntries("senses:\r\n  a: {}\r\n", cpu),
    "senses:\r\n  a: {}\r\n  cpu: # busy\r\n    throttle: 1s\r\n",
  );
});

Deno.test("a section in flow style stays in flow style", () => {
  const lines = new Map([["senses", ["  cpu: { throttle: 1s }"]]]);
  const text = insertEntries("senses: { a: {} } # mine\n", lines);
  assert.match(text, /^senses: \{ a: \{\},\n {2}cpu: \{ throttle: 1s \} \} # mine\n$/);
});

Deno.test("a text that has no place for an entry stays as it is", () => {
  const alias = "a: &all { x: {} }\nsenses: *all\n";
  assert.equal(insertEntries(alias, cpu), alias);
});
