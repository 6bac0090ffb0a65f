/** Hooks against the rest of nerve.yaml: who computes for them, and whether anybody can reach them. */
import assert from "node:assert/strict";
import { hintOf, problemLinesOf } from "../../support/parsed_config.ts";

const listen = "listen: 127.0.0.1:7077\nsenses: { ci: {} }\n";
const git = "hooks: { git: { secret: env S, verify: github } }\n";

Deno.test("a hook that a sense computes for, and that the listener serves, is fine", () => {
  assert.deepEqual(problemLinesOf(`${listen}${git}reflexes: [{ sense: ci, hook: git }]`), []);
});

Deno.test("a reflex on a hook that is not there says which one was meant", () => {
  const text =
    `${listen}${git}reflexes: [{ sense: ci, interval: 1s }, { sense: ci, hook: gti }, { sense: ci, hook: git }]`;
  assert.deepEqual(problemLinesOf(text), ['error reflexes[1].hook: there is no hook "gti"']);
  assert.match(hintOf(text, "reflexes[1].hook") ?? "", /git/);
  assert.match(
    hintOf(`${listen}reflexes: [{ sense: ci, hook: push }]`, "reflexes[0].hook") ?? "",
    /add hooks: \{ push: /,
  );
});

Deno.test("a hook that no sense computes for takes no delivery", () => {
  const text = `${listen}${git}reflexes: [{ sense: ci, interval: 1s }]`;
  assert.deepEqual(problemLinesOf(text), ["warning hooks.git: no sense computes for it, so it takes no delivery"]);
});

Deno.test("a signed hook without dedup can be replayed; a token names nothing that could be", () => {
  const reflex = "reflexes: [{ sense: ci, hook: git }]";
  const hmac = `${listen}hooks: { git: { secret: env S, verify: { hmac: sha256, header: x-sig } } }\n${reflex}`;
  assert.match(problemLinesOf(hmac).join(), /hooks\.git: a delivery that someone recorded can be sent again/);
  assert.deepEqual(problemLinesOf(`${listen}hooks: { git: { secret: env S, verify: bearer } }\n${reflex}`), []);
});

Deno.test("without a listener nobody reaches a hook", () => {
  const text = `senses: { ci: {} }\n${git}reflexes: [{ sense: ci, hook: git }]`;
  assert.deepEqual(problemLinesOf(text), ['warning hooks: nobody can reach "git": nerve does not listen']);
});
