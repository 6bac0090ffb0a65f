/** The recipes of docs/alerts.md do what they say: each nerve.yaml passes the tests that follow it. */
import assert from "node:assert/strict";
import { blocksOf } from "../support/documents.ts";
import { nerve } from "../support/in_process_nerve.ts";
import { readSource } from "../support/source_files.ts";
import { inTempDir, writeWorkspace } from "../support/temp_workspace.ts";

const blocks = blocksOf(readSource("docs/alerts.md"));

Deno.test("every recipe of docs/alerts.md passes the tests that follow it", async () => {
  let count = 0;
  for (const [index, { text }] of blocks.entries()) {
    if (!text.startsWith("# of alerts_test.yaml\n")) continue;
    const yaml = blocks.slice(0, index).findLast(({ language }) => language === "yaml");
    await inTempDir(async (root) => {
      await writeWorkspace(root, { "nerve.yaml": yaml?.text ?? "", "alerts_test.yaml": text });
      const { code, out, err } = await nerve(root, "alert", "test");
      assert.equal(code, 0, out + err);
    });
    count++;
  }
  assert.equal(count, 4);
});
