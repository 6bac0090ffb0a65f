/** Entries of nerve.yaml and the folders of the workspace. */
import assert from "node:assert/strict";
import { loadNerveConfig } from "../../../src/config/load.ts";
import { inWorkspace, restOfYaml } from "../../support/loaded_workspace.ts";

const nowhere = { home: null, nerveModules: [] };

Deno.test("a configured name without its folder is an error, a folder without its name a warning", () =>
  inWorkspace(async (paths, load) => {
    await Deno.mkdir(paths.senseFolder("empty"));
    await Deno.mkdir(paths.senseFolder("disk-usage"));
    await Deno.writeTextFile(paths.senseEntry("disk-usage"), "");
    const yaml = `senses: { a: {}, b: {}, empty: {}, disk-usge: {} }\n${restOfYaml}`;
    const problems = await load(yaml);
    assert.deepEqual(problems.filter((line) => !line.includes("no reflex")), [
      "warning senses: senses/disk-usage/ is not configured",
      "error senses.empty: there is no senses/empty/index.ts",
      "error senses.disk-usge: there is no senses/disk-usge/index.ts",
    ]);
    const loaded = await loadNerveConfig(paths, nowhere);
    assert.ok(!loaded.ok);
    const hints = loaded.error.filter(({ severity }) => severity === "error").map(({ hint }) => hint);
    assert.deepEqual(hints, [
      "one of the library: nerve sense add empty; one of your own: nerve init sense empty",
      'did you mean "disk-usage"?',
    ]);
  }));

Deno.test("the code of an entry is the folder that it uses, which must be there", () =>
  inWorkspace(async (paths, load) => {
    const problems = await load(`senses: { a: {}, b2: { use: b }, b3: { use: bb }, b4: { use: B } }\n${restOfYaml}`);
    assert.deepEqual(problems.filter((line) => /folder|index\.ts|configured|not a name/.test(line)), [
      "error senses.b3.use: there is no senses/bb/index.ts",
      'error senses.b4.use: "B" is not a name: lower-case letters, digits and hyphens inside, at most 64',
    ]);
    const loaded = await loadNerveConfig(paths, nowhere);
    assert.ok(!loaded.ok);
    const hints = loaded.error.filter(({ path }) => path.endsWith(".use")).map(({ hint }) => hint);
    assert.deepEqual(hints, ['did you mean "b"?', "write b"]);
  }));
