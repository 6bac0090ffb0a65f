/** Finding a workspace on a real disk, and the private folders of its sockets. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { checkPrivateFolder } from "../../../src/config/runtime_folder.ts";
import { findWorkspace, readHost, workspacePathMaxBytes } from "../../../src/config/workspace.ts";
import { refusal } from "../../support/refusal.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

async function workspaceIn(folder: string, name: string): Promise<string> {
  await Deno.mkdir(join(folder, name, "senses", "cpu"), { recursive: true });
  await Deno.writeTextFile(join(folder, name, "nerve.yaml"), "");
  return join(folder, name);
}

Deno.test("the workspace is the flag's, else the variable's, else the nearest above, else the home's", () =>
  inTempDir(async (folder) => {
    const [a, b, c] = [await workspaceIn(folder, "a"), await workspaceIn(folder, "b"), await workspaceIn(folder, "c")];
    const home = join(folder, "home");
    const own = await workspaceIn(home, ".nerve");
    const cwd = join(c, "senses", "cpu");
    assert.deepEqual(await findWorkspace({ flag: "../../../a", env: b, cwd, home }), { root: a, foundBy: "flag" });
    assert.deepEqual(await findWorkspace({ flag: null, env: b, cwd, home }), { root: b, foundBy: "env" });
    assert.deepEqual(await findWorkspace({ flag: null, env: "", cwd, home }), { root: c, foundBy: "folder" });
    assert.deepEqual(await findWorkspace({ flag: null, env: null, cwd: folder, home }), { root: own, foundBy: "home" });
  }));

Deno.test("a missing workspace is an error that names it and says how to create it", () =>
  inTempDir(async (folder) => {
    const nowhere = { flag: null, env: null, cwd: folder, home: folder };
    await assert.rejects(findWorkspace(nowhere), refusal("WORKSPACE_MISSING", /above it, or in ~\/\.nerve/));
    await assert.rejects(findWorkspace({ ...nowhere, home: null }), refusal("WORKSPACE_MISSING", /nerve\.yaml/));
    await assert.rejects(findWorkspace({ ...nowhere, flag: "x" }), refusal("WORKSPACE_MISSING", /^--workspace names/));
    await assert.rejects(findWorkspace({ ...nowhere, env: "x" }), refusal("WORKSPACE_MISSING", /^\$NERVE_WORKSPACE/));
    // A folder of that name does not count as a configuration.
    await Deno.mkdir(join(folder, "nerve.yaml"));
    await assert.rejects(findWorkspace(nowhere), refusal("WORKSPACE_MISSING", /there is no nerve\.yaml/));
  }));

Deno.test("two spellings of one workspace lead to the same paths", () =>
  inTempDir(async (folder) => {
    const root = await workspaceIn(folder, "w");
    await Deno.symlink(root, join(folder, "link"));
    const where = { flag: null, env: null, home: null };
    const straight = await findWorkspace({ ...where, cwd: root });
    const linked = await findWorkspace({ ...where, cwd: join(folder, "link", "senses") });
    assert.deepEqual(linked, straight);
    assert.equal((await findWorkspace({ ...where, flag: "link/", cwd: folder })).root, root);
  }));

Deno.test({
  name: "a folder of another user is refused",
  ignore: Deno.uid() !== 0,
  fn: () =>
    inTempDir(async (folder) => {
      await Deno.mkdir(join(folder, "theirs"), { mode: 0o700 });
      await Deno.chown(join(folder, "theirs"), 12_345, null);
      assert.throws(
        () => checkPrivateFolder(join(folder, "theirs")),
        refusal("FOLDER_UNSAFE", /belongs to another user \(uid 12345\)/),
      );
      assert.notEqual(readHost(() => join(folder, "theirs")).runtimeDir, join(folder, "theirs"));
    }),
});

// SQLite alone says only "unable to open database file".
Deno.test("a workspace whose path is too long for its databases is refused by name, before anything is opened", () =>
  inTempDir(async (folder) => {
    const deep = join(folder, "d".repeat(200), "e".repeat(workspacePathMaxBytes - folder.length - 202));
    assert.equal(deep.length, workspacePathMaxBytes);
    const where = { flag: null, env: null, home: null };
    assert.equal((await findWorkspace({ ...where, cwd: await workspaceIn(deep, "") })).root, deep);
    const database = join(deep, "data", "senses", `${"x".repeat(64)}.db`);
    await Deno.mkdir(dirname(database), { recursive: true });
    new DatabaseSync(database).close();
    const further = await workspaceIn(`${deep}e`, "");
    await assert.rejects(findWorkspace({ ...where, cwd: further }), refusal("WORKSPACE_MISSING", /bytes long/));
  }));
