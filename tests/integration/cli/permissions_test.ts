/** `nerve permissions` and the permissions lock, on real files. */
import assert from "node:assert/strict";
import {
  permissionsApproveOutput,
  permissionsDiffOutput,
  permissionsOutput,
} from "../../../src/cli/render/permission_schemas.ts";
import { nerve } from "../../support/in_process_nerve.ts";
import { long } from "../../support/long_form.ts";
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

Deno.test("nerve permissions diff shows what was not approved, and approve agrees to exactly that", async () => {
  await inTempDir(async (root) => {
    await writeWorkspace(root, { ...files, "nerve.yaml": before });
    const none = await nerve(root, "permissions", "diff");
    assert.equal(none.code, 1);
    assert.match(none.out, /there is no nerve\.permissions\.lock[^]*sense a\n {2}\+ net "example\.com"\n/);
    const first = await nerve(root, "permissions", "approve");
    assert.equal(first.code, 0, first.err);
    assert.match(first.out, /\+ net "example\.com"[^]*approved: .*nerve\.permissions\.lock\n$/);
    const agreed = await nerve(root, "permissions", "diff");
    assert.deepEqual([agreed.code, agreed.out], [0, "nerve.yaml asks for nothing that was not approved\n"]);
    await writeWorkspace(root, { "nerve.yaml": before.replace("net: [example.com]", "net: true, run: [df]") });
    const grown = await nerve(root, "permissions", "diff");
    assert.equal(grown.code, 1);
    assert.match(grown.out, /sense a\n {2}\+ net everything\n {2}\+ run "df"\nsense b\n {2}\+ net everything/);
    const { added, removed } = permissionsDiffOutput.parse(
      JSON.parse((await nerve(root, "permissions", "diff", "--json")).out),
    );
    assert.deepEqual(added[0], { kind: "sense", name: "a", permission: "net", values: true });
    assert.deepEqual(removed, []);
    const approved = JSON.parse((await nerve(root, "permissions", "approve", "--json")).out);
    assert.deepEqual(
      [permissionsApproveOutput.parse(approved).written, permissionsApproveOutput.parse(approved).daemon],
      [true, null],
    );
    await writeWorkspace(root, { "nerve.yaml": before });
    assert.match((await nerve(root, "permissions", "diff")).out, /sense a\n {2}- net everything\n {2}- run "df"/);
    assert.equal((await nerve(root, "validate", "--no-types")).code, 0, "fewer permissions exceed nothing");
    assert.match((await nerve(root, "permissions", "approve")).out, /approved: /);
    assert.match((await nerve(root, "permissions", "approve")).out, /approved already: /);
  });
});

Deno.test("nerve permissions approve replaces a link and a broken lock, and writes no file that it leads to", async () => {
  await inTempDir(async (root) => {
    await writeWorkspace(root, { ...files, "nerve.yaml": before, "elsewhere.txt": "mine" });
    await Deno.symlink("elsewhere.txt", `${root}/nerve.permissions.lock`);
    const linked = await nerve(root, "permissions", "diff");
    assert.deepEqual([linked.code, /is a symbolic link/.test(linked.out)], [1, true]);
    assert.equal((await nerve(root, "permissions", "approve")).code, 0);
    assert.equal(await Deno.readTextFile(`${root}/elsewhere.txt`), "mine");
    assert.equal((await Deno.lstat(`${root}/nerve.permissions.lock`)).isFile, true);
    await writeWorkspace(root, { "nerve.permissions.lock": "{" });
    assert.match((await nerve(root, "validate", "--no-types")).out, /nerve\.permissions\.lock is not JSON/);
    assert.equal((await nerve(root, "permissions", "approve")).code, 0);
    assert.equal((await nerve(root, "permissions", "diff")).code, 0);
  });
});

Deno.test("nerve validate fails when the permissions exceed the lock, approves nothing, and runs nothing that exceeds it", async () => {
  // The bug was: `validate --lock` agreed to a grant that nobody had seen, and validate ran the code with it.
  await inTempDir(async (root) => {
    const { hostname } = await import("node:os");
    const tell = "export const compute = () => null;\nthrow new Error(`ran on ${Deno.hostname()}`);\n";
    await writeWorkspace(root, { ...files, "nerve.yaml": before });
    assert.equal((await nerve(root, "validate", "--no-types")).code, 0, "without a lock nothing is compared");
    assert.equal((await nerve(root, "permissions", "approve")).code, 0);
    assert.equal((await nerve(root, "validate", "--no-types")).code, 0);
    await writeWorkspace(root, {
      "nerve.yaml": before.replace("net: [example.com]", "net: [example.com], sys: [hostname]"),
      "senses/a/index.ts": tell,
    });
    const grown = await nerve(root, "validate", "--no-types");
    assert.equal(grown.code, 1);
    assert.match(grown.out, /nerve\.yaml:1:\d+ error senses\.a\.permissions\.sys: exceeds .*"hostname"/);
    assert.match(grown.out, /nerve permissions approve/);
    assert.match(grown.out, /senses\.b\S* exceeds/, "b gains it through the group");
    assert.doesNotMatch(grown.out, /ran on/);
    const learn = await nerve(root, "sense", "learn", "a", "--for", "1s", "--json");
    assert.equal(JSON.parse(learn.err).error.code, "PERMISSION_UNAPPROVED");
    const flag = await nerve(root, "validate", "--no-types", "--lock");
    assert.equal(flag.code, 2);
    assert.match(flag.err, /nerve permissions approve/);
    assert.equal((await nerve(root, "validate", "--no-types")).code, 1, "it approved nothing");
    assert.equal((await nerve(root, "permissions", "approve")).code, 0);
    const approved = await nerve(root, "validate", "--no-types");
    assert.deepEqual([approved.code, approved.out.includes(`ran on ${hostname()}`)], [1, true]);
  });
});

long.test("what opens the sandbox is named where grants are shown and approved, and what is refused is not approved", async () => {
  await inTempDir(async (root) => {
    const yaml = (path: string) => `senses: { a: { permissions: { write: [${path}] } }, b: {} }\n`;
    await writeWorkspace(root, { ...files, "nerve.yaml": yaml("/etc/cron.d") });
    const named = /🔶 .*write of "\/etc\/cron\.d" opens the sandbox: it covers what the system executes/;
    assert.match((await nerve(root, "permissions")).out, named);
    assert.match((await nerve(root, "permissions", "diff")).out, named);
    const { items } = permissionsOutput.parse(JSON.parse((await nerve(root, "permissions", "--json")).out));
    assert.deepEqual(items.map(({ problems }) => problems.map(({ name, severity }) => [name, severity])), [
      [["a", "warning"]],
      [],
    ]);
    assert.equal((await nerve(root, "permissions", "approve")).code, 0);
    // The task `nerve` of the workspace's deno.json is how its owner calls nerve.
    await writeWorkspace(root, { "nerve.yaml": yaml("./deno.json") });
    assert.match(
      (await nerve(root, "validate", "--no-types")).out,
      /error .*covers deno\.json, with which Deno runs tasks/,
    );
    const refused = await nerve(root, "permissions", "approve");
    assert.equal(refused.code, 1);
    assert.match(refused.err, /nothing was approved: write of .*deno\.json/);
    assert.match(Deno.readTextFileSync(`${root}/nerve.permissions.lock`), /cron/);
  });
});
