/** What every `nerve store` command has in common. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { storeGcOutput, storeStatsOutput, storeVerifyOutput } from "../../../src/cli/render/store_schemas.ts";
import { withArchive } from "../../support/archive_bench.ts";
import { writeWorkspace } from "../../support/temp_workspace.ts";

Deno.test("in a new workspace the store's commands say what to do", () =>
  withArchive(async (bench) => {
    const root = join(bench.paths.root, "empty");
    await writeWorkspace(root, { "nerve.yaml": "senses: {}\n" });
    const run = (...argv: string[]) => bench.nerve("store", ...argv, "--workspace", root);
    for (const argv of [["archive"], ["rebuild-runs"], ["backup", join(root, "b")]]) {
      assert.deepEqual(await run(...argv), {
        code: 1,
        out: "",
        err: `❌ nothing has happened in ${root} yet\n   nerve start\n`,
      });
    }
    assert.equal(storeStatsOutput.parse(JSON.parse((await run("stats", "--json")).out)).log, null);
    assert.ok(storeVerifyOutput.parse(JSON.parse((await run("verify", "--json")).out)).ok);
    assert.equal(storeGcOutput.parse(JSON.parse((await run("gc", "--json")).out)).items.length, 0);
  }));
