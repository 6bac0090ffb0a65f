/** Ten checks of three kinds are thirty lines of nerve.yaml: the ones that docs/configuration.md shows. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { nerve } from "../../support/in_process_nerve.ts";
import { inTempDir, writeWorkspace } from "../../support/temp_workspace.ts";

const documentUrl = new URL("../../../docs/configuration.md", import.meta.url);

Deno.test("ten checks of three kinds need thirty lines, and load in their sandboxes", async () => {
  const block = /Ten checks of three kinds:\n\n```yaml\n([^]*?)```/.exec(await Deno.readTextFile(documentUrl))?.[1] ??
    "";
  const lines = block.trim().split("\n").length;
  assert.ok(lines > 20 && lines <= 30, `${lines} lines`);
  await inTempDir(async (root) => {
    await writeWorkspace(root, { "nerve.yaml": "{}\n" });
    for (const name of ["http-check", "port-check", "disk-usage"]) {
      assert.equal((await nerve(root, "sense", "add", name)).code, 0);
    }
    await Deno.writeTextFile(join(root, "nerve.yaml"), block);
    const { code, out } = await nerve(root, "validate", "--format", "json");
    const { errors, problems } = JSON.parse(out);
    assert.deepEqual([code, errors], [0, 0], JSON.stringify(problems));
    const { items } = JSON.parse((await nerve(root, "sense", "list", "--json")).out);
    const uses = Map.groupBy(items as { use: string }[], ({ use }) => use);
    assert.deepEqual([...uses].map(([use, { length }]) => [use, length]), [
      ["http-check", 4],
      ["port-check", 3],
      ["disk-usage", 3],
    ]);
  });
});
