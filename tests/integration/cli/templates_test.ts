/** `nerve init sense` and `nerve init workflow`: the templates they write. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { nerve } from "../../support/in_process_nerve.ts";
import { inTempDir, writeWorkspace } from "../../support/temp_workspace.ts";

Deno.test("init sense and init workflow write templates that pass validate", async () => {
  await inTempDir(async (root) => {
    await writeWorkspace(root, { "nerve.yaml": "senses: {}\n" });
    const sense = await nerve(root, "init", "sense", "queue-length");
    assert.equal(sense.code, 0);
    assert.match(sense.out, /wrote senses\/queue-length\/index\.ts/);
    assert.equal((await nerve(root, "init", "workflow", "tidy")).code, 0);
    const again = await nerve(root, "init", "sense", "queue-length");
    assert.equal(again.code, 1);
    const bad = await nerve(root, "init", "sense", "Queue_Length");
    assert.deepEqual([bad.code, /queue-length/.test(bad.err)], [2, true]);
    const block = (out: string) => out.split("\n\n")[1] ?? "";
    const yaml = [sense.out, (await nerve(root, "init", "workflow", "tidy-2")).out].map(block).join("\n");
    await Deno.writeTextFile(join(root, "nerve.yaml"), yaml.replaceAll(/^ {3}/gm, ""));
    await Deno.remove(join(root, "workflows", "tidy"), { recursive: true });
    const valid = await nerve(root, "validate");
    assert.deepEqual([valid.code, valid.out], [0, "✅ 1 sense, 1 workflow: no problems\n"]);
  });
});
