/** `nerve permissions` and the permissions lock, on real files. */
import assert from "node:assert/strict";
import { permissionsOutput } from "../../../src/cli/render/json_schemas.ts";
import { nerve } from "../../support/in_process_nerve.ts";
import { inTempDir, writeWorkspace } from "../../support/temp_workspace.ts";

const before = "senses: { a: { group: g, permissions: { net: [example.com] } }, b: { group: g, peers: [] } }\n";
const compute = "export const compute = () => null;";
const files = { "senses/a/index.ts": compute, "senses/b/index.ts": compute };

Deno.test("nerve permissions lists declared, implied and gained permissions, as text and as JSON", async () => {
  await inTempDir(async (root) => {
    await writeWorkspace(root, { ...files, "nerve.yaml": before });
    const all = await nerve(root, "permissions");
    assert.equal(all.code, 0);
    assert.match(all.out, /group g: a, b\n/);
    assert.match(all.out, /net +example\.com +declared by sense a/);
    assert.doesNotMatch(all.out, /implied:/);
    const one = await nerve(root, "permissions", "b");
    assert.match(one.out, /net +example\.com +gained through the group: declared by sense a/);
    assert.match(one.out, /write +\S*data\/senses\/b\.db +implied: database of sense b/);
    const { items } = permissionsOutput.parse(JSON.parse((await nerve(root, "permissions", "b", "--json")).out));
    assert.deepEqual(items[0]?.grants.find(({ permission }) => permission === "net"), {
      permission: "net",
      value: "example.com",
      why: "declared by sense a",
      declaredBy: "a",
      origin: "gained",
    });
    const unknown = await nerve(root, "permissions", "nobody");
    assert.equal(unknown.code, 1);
    assert.match(unknown.err, /there is no sense and no workflow "nobody"\n {3}there are: a, b\b/);
  });
});

Deno.test("nerve validate fails when the permissions exceed the lock", async () => {
  await inTempDir(async (root) => {
    await writeWorkspace(root, { ...files, "nerve.yaml": before });
    assert.equal((await nerve(root, "validate")).code, 0, "without a lock nothing is compared");
    const locked = await nerve(root, "validate", "--lock");
    assert.equal(locked.code, 0, locked.out);
    assert.match(locked.out, /permissions approved: .*nerve\.permissions\.lock/);
    assert.equal((await nerve(root, "validate")).code, 0);
    await writeWorkspace(root, {
      "nerve.yaml": before.replace("net: [example.com]", "net: [example.com, example.org]"),
    });
    const grown = await nerve(root, "validate");
    assert.equal(grown.code, 1);
    assert.match(grown.out, /nerve\.yaml:1:\d+ error senses\.a\.permissions\.net: exceeds .*"example\.org"/);
    assert.match(grown.out, /senses\.b\S* exceeds/, "b gains it through the group");
    assert.equal((await nerve(root, "validate", "--lock")).code, 0);
    assert.equal((await nerve(root, "validate")).code, 0);
    await writeWorkspace(root, { "nerve.permissions.lock": "{" });
    assert.match((await nerve(root, "validate")).out, /nerve\.permissions\.lock is not JSON/);
  });
});
