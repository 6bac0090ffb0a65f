/** Finding a workspace on a real disk, and the private folders of its sockets. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { NerveError } from "../../../src/base/errors.ts";
import { checkPrivateFolder, checkSocketFolder, makeRuntimeFolder } from "../../../src/config/runtime_folder.ts";
import { findWorkspace, thisHost, workspacePathMaxBytes, workspacePaths } from "../../../src/config/workspace.ts";

/** A temporary folder, real path, removed after the test. */
async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "nerve-" }));
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function workspaceIn(folder: string, name: string): Promise<string> {
  await Deno.mkdir(join(folder, name, "senses", "cpu"), { recursive: true });
  await Deno.writeTextFile(join(folder, name, "nerve.yaml"), "");
  return join(folder, name);
}

function refusal(code: string, text: RegExp): (thrown: unknown) => boolean {
  return (thrown) => thrown instanceof NerveError && thrown.code === code && text.test(thrown.message);
}

Deno.test("the workspace is the flag's, else the variable's, else the nearest above, else the home's", () =>
  inFolder(async (folder) => {
    const [a, b, c] = [await workspaceIn(folder, "a"), await workspaceIn(folder, "b"), await workspaceIn(folder, "c")];
    const home = join(folder, "home");
    const own = await workspaceIn(home, ".nerve");
    const cwd = join(c, "senses", "cpu");
    assert.deepEqual(await findWorkspace({ flag: "../../../a", env: b, cwd, home }), { root: a, foundBy: "flag" });
    assert.deepEqual(await findWorkspace({ flag: null, env: b, cwd, home }), { root: b, foundBy: "env" });
    assert.deepEqual(await findWorkspace({ flag: null, env: "", cwd, home }), { root: c, foundBy: "folder" });
    assert.deepEqual(await findWorkspace({ flag: null, env: null, cwd: folder, home }), { root: own, foundBy: "home" });
  }));

Deno.test("a workspace that is not there is an error that names it and says how to make it", () =>
  inFolder(async (folder) => {
    const nowhere = { flag: null, env: null, cwd: folder, home: folder };
    await assert.rejects(findWorkspace(nowhere), refusal("WORKSPACE_MISSING", /above it, or in ~\/\.nerve/));
    await assert.rejects(findWorkspace({ ...nowhere, home: null }), refusal("WORKSPACE_MISSING", /nerve\.yaml/));
    await assert.rejects(findWorkspace({ ...nowhere, flag: "x" }), refusal("WORKSPACE_MISSING", /^--workspace names/));
    await assert.rejects(findWorkspace({ ...nowhere, env: "x" }), refusal("WORKSPACE_MISSING", /^\$NERVE_WORKSPACE/));
    // A folder of that name is not a configuration.
    await Deno.mkdir(join(folder, "nerve.yaml"));
    await assert.rejects(findWorkspace(nowhere), refusal("WORKSPACE_MISSING", /No nerve\.yaml/));
  }));

Deno.test("two spellings of one workspace give the same paths", () =>
  inFolder(async (folder) => {
    const root = await workspaceIn(folder, "w");
    await Deno.symlink(root, join(folder, "link"));
    const where = { flag: null, env: null, home: null };
    const straight = await findWorkspace({ ...where, cwd: root });
    const linked = await findWorkspace({ ...where, cwd: join(folder, "link", "senses") });
    assert.deepEqual(linked, straight);
    assert.equal((await findWorkspace({ ...where, flag: "link/", cwd: folder })).root, root);
  }));

Deno.test("the runtime folder is made private, and making it again is harmless", () =>
  inFolder(async (folder) => {
    const host = { uid: Deno.uid() ?? 0, runtimeDir: null, tempDir: folder };
    const paths = workspacePaths(join(folder, "w".repeat(120)), host);
    assert.equal(dirname(paths.socket), paths.runtimeFolder);
    await assert.rejects(checkSocketFolder(paths), refusal("FOLDER_UNSAFE", /cannot be looked at/));
    assert.equal(await makeRuntimeFolder(paths), paths.runtimeFolder);
    await makeRuntimeFolder(paths);
    await checkSocketFolder(paths);
    assert.equal(((await Deno.stat(paths.runtimeFolder)).mode ?? 0) & 0o777, 0o700);
    assert.equal(((await Deno.stat(dirname(paths.runtimeFolder))).mode ?? 0) & 0o777, 0o700);
    Deno.listen({ transport: "unix", path: paths.socket }).close();
  }));

// Somebody else on the machine may make the folder first and wait for the daemon to put its sockets there.
Deno.test("a folder that another could enter, a link, and a file are refused as places for sockets", () =>
  inFolder(async (folder) => {
    const host = { uid: Deno.uid() ?? 0, runtimeDir: null, tempDir: folder };
    const paths = workspacePaths("/w", host);
    const above = dirname(paths.runtimeFolder);
    await Deno.mkdir(above, { mode: 0o700 });
    await Deno.mkdir(join(folder, "elsewhere"), { mode: 0o700 });
    await Deno.symlink(join(folder, "elsewhere"), paths.runtimeFolder);
    await assert.rejects(makeRuntimeFolder(paths), refusal("FOLDER_UNSAFE", /is not a folder/));
    await Deno.remove(paths.runtimeFolder);
    await Deno.writeTextFile(paths.runtimeFolder, "");
    await assert.rejects(makeRuntimeFolder(paths), refusal("FOLDER_UNSAFE", /is not a folder/));
    await Deno.remove(paths.runtimeFolder);
    await Deno.chmod(above, 0o750);
    await assert.rejects(makeRuntimeFolder(paths), refusal("FOLDER_UNSAFE", /its mode is not 0700/));
    await Deno.chmod(above, 0o500);
    await checkPrivateFolder(above);
  }));

Deno.test({
  name: "a folder of another user is refused",
  ignore: Deno.uid() !== 0,
  fn: () =>
    inFolder(async (folder) => {
      await Deno.mkdir(join(folder, "theirs"), { mode: 0o700 });
      await Deno.chown(join(folder, "theirs"), 12_345, null);
      await assert.rejects(
        checkPrivateFolder(join(folder, "theirs")),
        refusal("FOLDER_UNSAFE", /belongs to another user \(uid 12345\)/),
      );
      assert.notEqual(thisHost(() => join(folder, "theirs")).runtimeDir, join(folder, "theirs"));
    }),
});

Deno.test("the runtime directory is taken from the environment only when it is one of this user's", () =>
  inFolder((folder) => {
    const own = (name: string) => name === "XDG_RUNTIME_DIR" ? folder : undefined;
    assert.deepEqual(thisHost(own), { uid: Deno.uid() ?? 0, runtimeDir: folder, tempDir: "/tmp" });
    for (const wrong of ["relative", join(folder, "missing")]) {
      assert.notEqual(thisHost((name) => name === "XDG_RUNTIME_DIR" ? wrong : undefined).runtimeDir, wrong);
    }
    assert.equal(thisHost((name) => name === "TMPDIR" ? "/var/tmp/" : undefined).tempDir, "/var/tmp");
    return Promise.resolve();
  }));

// SQLite said only "unable to open database file".
Deno.test("a workspace whose path is too long for its databases is refused by name, before anything is opened", () =>
  inFolder(async (folder) => {
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
