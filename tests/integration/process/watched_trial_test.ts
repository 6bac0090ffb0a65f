/** The memory limit of code that is only tried. Danger: a saved file takes what the machine has, before anything runs. */
import assert from "node:assert/strict";
import { loadAll } from "../../../src/deploy/validate.ts";
import { parseNerveConfig } from "../../../src/config/parse.ts";
import { workspacePaths } from "../../../src/config/workspace.ts";
import { long } from "../../support/long_form.ts";
import { inTempDir, writeWorkspace } from "../../support/temp_workspace.ts";

long.test("code that takes too much memory while it is loaded is ended at its group's limit", () =>
  inTempDir(async (root) => {
    const yaml = "senses: { hungry: {}, modest: {} }\ngroups: { hungry: { memory: 64MiB } }\n",
      parsed = parseNerveConfig(yaml);
    assert.ok(parsed.ok);
    await writeWorkspace(root, {
      "nerve.yaml": yaml,
      "senses/hungry/index.ts": `const kept: Uint8Array[] = [];
        for (let n = 0; n < 40; n++) {
          kept.push(new Uint8Array(10e6).fill(1));
          await new Promise((done) => setTimeout(done, 20));
        }
        await new Promise((done) => setTimeout(done, 20_000));
        export const compute = () => kept.length;`,
      "senses/modest/index.ts": "export const compute = () => 1;",
    });
    const problems = await loadAll(parsed.value.config, workspacePaths(root));
    assert.deepEqual(problems.map(({ severity }) => severity), ["error"]);
    assert.match(
      problems[0]?.message ?? "",
      /ran out of its memory limit: used \d+\.\d MiB in all, over its limit of 64\.0 MiB/,
    );
  }));
