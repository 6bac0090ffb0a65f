import assert from "node:assert/strict";
import { configOf, hintOf, problemLinesOf } from "../../support/parsed_config.ts";

const ada = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH1CAv40hII4fWbXiGbmdn4tiZzOEy0gbnY+IB+TPbij",
  bob = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICpK2+hcvEmJXVeyPplYYQAczl5wMLJ/X7/Ex8tr+EK/";
const withApprovers = (lines: string): string =>
  `senses: { a: {} }\nreflexes: [{ sense: a, interval: 1s }]\napprovers:\n${lines.replaceAll(/^/gm, "  ")}\n`;

Deno.test("people have keys, several if they like, and groups have people", () => {
  const { approvers: { people, groups } } = configOf(withApprovers(`ada: { key: ${ada} ada@laptop }
bob: { key: [${bob}] }
ops: [ada, bob]`));
  assert.deepEqual([...people], [["ada", [ada.split(" ")[1]]], ["bob", [bob.split(" ")[1]]]]);
  assert.deepEqual([...groups], [["ops", ["ada", "bob"]]]);
});

Deno.test("without approvers nobody has to sign", () => {
  const { approvers: { people, groups } } = configOf("senses: {}");
  assert.deepEqual([people.size, groups.size], [0, 0]);
});

Deno.test("a key belongs to one person: otherwise nobody could tell who has decided", () => {
  const text = withApprovers(`ada: { key: ${ada} }\nbob: { key: [${bob}, ${ada} copied] }`);
  assert.deepEqual(problemLinesOf(text), ["error approvers.bob.key: is the key of ada as well"]);
  assert.match(hintOf(text, "approvers.bob.key") ?? "", /a key of their own/);
});

Deno.test("a group names people only: no group, and nobody without an entry", () => {
  const lines = problemLinesOf(withApprovers(`ada: { key: ${ada} }
ops: [ada, bbo]
all: [ops]
empty: []`));
  assert.deepEqual(lines, [
    'error approvers.ops[1]: "bbo" is not an approver',
    'error approvers.all[0]: "ops" is a group itself',
    "error approvers.empty: is a group of nobody",
  ]);
});

Deno.test("what is no public key, no key at all, and no name are errors with a hint", () => {
  const privateKey = "-----BEGIN OPENSSH PRIVATE KEY-----";
  for (const key of ["ssh-ed25519", "ssh-ed25519 AAAA", "ssh-dss AAAAB3NzaC1kc3M=", `'${privateKey}'`, "''"]) {
    const text = withApprovers(`ada: { key: ${key} }`);
    assert.equal(problemLinesOf(text).length, 1, key);
    assert.match(hintOf(text, "approvers.ada.key") ?? "", /\.pub file/, key);
  }
  assert.deepEqual(problemLinesOf(withApprovers("ada: { key: [] }")), ["error approvers.ada: has no key"]);
  assert.match(problemLinesOf(withApprovers(`Ada Lovelace: { key: ${ada} }`)).join(), /"Ada Lovelace" is not a name/);
});
