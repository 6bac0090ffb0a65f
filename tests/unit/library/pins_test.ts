/** What a run of `develop` starts from. Danger: a run that does something other than its template describes. */
import assert from "node:assert/strict";
import { repository } from "../../support/source_files.ts";
import { inTempDir } from "../../support/temp_workspace.ts";
import { checkPersonas, pin, readTemplate } from "../../../workflows/develop/pins.ts";

const path = `${repository}/workflows/develop/templates/development.yaml`, text = Deno.readTextFileSync(path);

function faultOf(change: (text: string) => string): string {
  try {
    readTemplate(change(text));
    return "none";
  } catch (thrown) {
    assert.ok(thrown instanceof TypeError, String(thrown));
    return thrown.message;
  }
}

Deno.test("the template that comes with nerve has the phases, roles and gates of the contract", () => {
  const { name, version, phases, roles, rounds } = readTemplate(text);
  assert.deepEqual([name, version, rounds], ["development", 1, 3]);
  assert.deepEqual(phases.map(({ key, gate }) => [key, gate]), [
    ["specification", "spec_approved"],
    ["plan", null],
    ["implementation", null],
    ["review", "merge_approved"],
  ]);
  assert.deepEqual(roles.reviewer, { persona: "reviewer@1", agent: null });
});

Deno.test("a template that says something else than can be done is refused", () => {
  assert.equal(faultOf((text) => text), "none");
  assert.equal(faultOf((text) => text.replace(/ {2}- key: plan\n.*\n.*\n/, "")), "none");
  assert.match(faultOf((text) => text.replace("role: reviewer", "role: nobody")), /names the role nobody/);
  assert.match(
    faultOf((text) => text.replace("gate: spec_approved", "gate: merged")),
    /the gate of specification is spec_approved/,
  );
  assert.match(faultOf((text) => text.replace("key: plan", "key: dance")), /there is no phase dance/);
  assert.match(faultOf((text) => text.replace("key: plan", "key: review")), /artifact of review|in this order/);
  assert.match(faultOf((text) => text.replace("rounds: 3", "rounds: many")), /rounds is no whole number/);
  assert.match(faultOf((text) => `${text}\nextra: 1\n`), /unknown key extra/);
});

Deno.test("what a run was given has the hash that it was given with, and each persona", async () => {
  const folder = `file://${repository}/workflows/develop/`, found = await pin(folder, "development", {});
  assert.deepEqual(found.personas.map(({ name, version }) => [name, version]), [["author", 1], ["reviewer", 1]]);
  const { template, personas } = JSON.parse(JSON.stringify(found));
  assert.deepEqual(await pin("file:///nowhere/", "x", { template, personas }), found);
  await assert.rejects(
    pin(folder, "x", { template: { ...template, text: `${text}# more\n` }, personas }),
    /does not have the hash/,
  );
  await assert.rejects(pin(folder, "x", { template, personas: personas.slice(1) }), /was given no persona author@1/);
  await assert.rejects(pin(folder, "x", {}), /there is no template x/);
});

Deno.test("a persona has one content for each version", () =>
  inTempDir((root) => {
    const file = `${root}/known.json`, persona = { name: "author", version: 1, hash: "a".repeat(64), text: "" };
    checkPersonas(file, [persona]);
    checkPersonas(file, [persona, { ...persona, version: 2, hash: "b".repeat(64) }]);
    assert.throws(
      () => checkPersonas(file, [{ ...persona, hash: "c".repeat(64) }]),
      /persona author@1 has changed: .*write author@2/,
    );
    assert.deepEqual(Object.keys(JSON.parse(Deno.readTextFileSync(file))), ["author@1", "author@2"]);
    return Promise.resolve();
  }));
