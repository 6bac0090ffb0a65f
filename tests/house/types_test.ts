/**
 * The whole repository has no type error, and neither has the code in its documents. It is a test like any other, so
 * that it runs in turn with the others.
 */
import assert from "node:assert/strict";
import { codeOf, documentPaths, readDocument } from "../support/documents.ts";
import { join } from "../support/paths.ts";
import { repository } from "../support/source_files.ts";
import { inTempDir, writeWorkspace } from "../support/temp_workspace.ts";

Deno.test("every file passes the type check, and so does every block of TypeScript in a document", async () => {
  const blocks = Object.assign({}, ...documentPaths.map(readDocument).map(codeOf)) as Record<string, string>;
  assert.ok(Object.keys(blocks).length > 8);
  await inTempDir(async (root) => {
    await writeWorkspace(root, blocks);
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      // A workspace has the settings of this repository.
      args: ["check", "--quiet", "--config", "deno.json", ".", ...Object.keys(blocks).map((path) => join(root, path))],
      cwd: repository,
      env: { NO_COLOR: "1" },
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
  });
});
