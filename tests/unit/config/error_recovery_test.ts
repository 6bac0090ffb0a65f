/** An error in nerve.yaml hides no other error, and misleads no check. */
import assert from "node:assert/strict";
import { linesOf } from "../../support/parsed_config.ts";

// The bug was: an unknown key at the top hid every other problem, and one in an entry hid cycles and write: true.
Deno.test("an unknown key hides no other problem, wherever it stands", () => {
  const text = [
    "version: 2",
    "senses:",
    "  a: { permissions: { write: true, nett: [x] } }",
    "  b: { timeout: 2h, grup: g }",
    "  c: {}",
    "  B: {}",
    "reflexes:",
    "  - { sense: a, on: [c] }",
    "  - { sense: c, on: [a, d], evry: 3s }",
    '  - { sense: c, cron: "61 * * * *" }',
  ].join("\n");
  assert.deepEqual(linesOf(text), [
    'nerve.yaml:1:1 error version: unknown key "version"',
    "nerve.yaml:3:23 error senses.a.permissions.write: write: true covers nerve.yaml, the log and the control socket",
    'nerve.yaml:3:36 error senses.a.permissions.nett: unknown permission "nett"',
    'nerve.yaml:4:21 error senses.b.grup: unknown key "grup"',
    'nerve.yaml:6:3 error senses.B: "B" is not a name: lower-case letters, digits and hyphens inside, at most 64',
    'nerve.yaml:9:25 error reflexes[1].on[1]: there is no sense "d"',
    'nerve.yaml:9:29 error reflexes[1].evry: unknown key "evry"',
    'nerve.yaml:10:17 error reflexes[2].cron: "61 * * * *" is not a cron line: Invalid value for minute: 61',
  ]);
  const circle = "senses: { a: {}, b: {} }\nx: 1\nreflexes: [{ sense: a, on: [b] }, { sense: b, on: [a] }]\n";
  assert.match(linesOf(circle)[1] ?? "", /senses trigger each other endlessly/);
});

Deno.test("a misspelt section is read as the nearest section", () => {
  const text = "sense: { a: { throtle: 1s } }\nreflex: [{ sense: b, interval: 1s }]\n";
  assert.deepEqual(linesOf(text), [
    'nerve.yaml:1:1 error sense: unknown key "sense"',
    'nerve.yaml:1:15 error senses.a.throtle: unknown key "throtle"',
    'nerve.yaml:2:1 error reflex: unknown key "reflex"',
    'nerve.yaml:2:12 error reflexes[0].sense: there is no sense "b"',
  ]);
});

Deno.test("an entry that was skipped causes no error in other checks", () => {
  const misspelt = "senses: { a: { throtle: 1s }, b: {} }\n";
  assert.equal(linesOf(`${misspelt}reflexes: [{ sense: a, on: [b] }, { sense: b, on: [a] }]\n`).length, 1);
  const grants =
    "senses: { a: { group: g, permissions: { read: [/a], net: 5 } }, b: { group: g, permissions: { read: 5 } } }\n";
  assert.equal(linesOf(`${grants}reflexes: [{ sense: a, interval: 1s }, { sense: b, interval: 1s }]\n`).length, 2);
  assert.equal(linesOf("sensors-of-mine: {}\nreflexes: [{ sense: a, interval: 1s }]\n").length, 1);
  assert.equal(linesOf("senses: { a: {} }\nreflexes: { sense: a }\n").length, 1);
});
