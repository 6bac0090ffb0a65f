/** What reflexes may watch: only what their sense may read, and never where nerve itself writes. */
import assert from "node:assert/strict";
import { inWorkspace } from "../../support/loaded_workspace.ts";

const read = "permissions: { read: [./inbox, /srv/in] }";

function yaml(watch: string, entry = read): string {
  return `senses: { a: { ${entry} }, b: {} }\nreflexes: [{ sense: b, interval: 1h }, { sense: a, watch: [${watch}] }]\n`;
}

Deno.test("paths and globs below what the sense may read may be watched, whether they exist or not", () =>
  inWorkspace(async (_, load) => {
    const errors = async (watch: string, entry?: string) =>
      (await load(yaml(watch, entry))).filter((line) => line.startsWith("error"));
    assert.deepEqual(await errors('inbox, ./inbox/new, "inbox/**/*.csv", /srv/in, senses/a/rules.json, lib/'), []);
    assert.deepEqual(await errors('/etc/passwd, "/var/*/x"', "permissions: { read: true }"), []);
  }));

Deno.test("what the sense may not read, no pattern, and what nerve writes are refused with their place", () =>
  inWorkspace(async (paths, load) => {
    const errors = async (watch: string) => (await load(yaml(watch))).filter((line) => line.startsWith("error"));
    assert.deepEqual(await errors("inbox, ./inbux, /etc, 'in/*/../x', ''"), [
      'error reflexes[1].watch[1]: sense a may not read "./inbux"',
      'error reflexes[1].watch[2]: sense a may not read "/etc"',
      'error reflexes[1].watch[3]: "in/*/../x" .. cannot follow a glob',
      'error reflexes[1].watch[4]: "" is empty',
    ]);
    for (const path of ["data", "data/x", "logs/*.log", ".", "/", "'./**/*.md'", paths.root]) {
      assert.match((await errors(path)).join(), /covers what nerve itself writes/, path);
    }
    assert.match((await load(`senses: { a: {} }\nreflexes: [{ sense: a, wach: [x] }]\n`)).join(), /unknown key "wach"/);
  }));
