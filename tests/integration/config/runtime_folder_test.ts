/** The private folder of a workspace's sockets, on a real disk. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { checkPrivateFolder, checkSocketFolder, makeRuntimeFolder } from "../../../src/config/runtime_folder.ts";
import { readHost, workspacePaths } from "../../../src/config/workspace.ts";
import { refusal } from "../../support/refusal.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

Deno.test("the runtime folder is made private, and making it again is harmless", () =>
  inTempDir(async (folder) => {
    const host = { uid: Deno.uid() ?? 0, runtimeDir: null, tempDir: folder };
    const paths = workspacePaths(join(folder, "w".repeat(120)), host);
    assert.equal(dirname(paths.socket), paths.runtimeFolder);
    assert.throws(() => checkSocketFolder(paths), refusal("FOLDER_UNSAFE", /cannot be read/));
    assert.equal(makeRuntimeFolder(paths), paths.runtimeFolder);
    makeRuntimeFolder(paths);
    checkSocketFolder(paths);
    assert.equal(((await Deno.stat(paths.runtimeFolder)).mode ?? 0) & 0o777, 0o700);
    assert.equal(((await Deno.stat(dirname(paths.runtimeFolder))).mode ?? 0) & 0o777, 0o700);
    Deno.listen({ transport: "unix", path: paths.socket }).close();
  }));

// Another user of the machine may create the folder first and wait for the daemon to put its sockets there.
Deno.test("a folder that others can enter, a link, and a file are rejected as places for sockets", () =>
  inTempDir(async (folder) => {
    const host = { uid: Deno.uid() ?? 0, runtimeDir: null, tempDir: folder };
    const paths = workspacePaths("/w", host);
    const above = dirname(paths.runtimeFolder);
    await Deno.mkdir(above, { mode: 0o700 });
    await Deno.mkdir(join(folder, "elsewhere"), { mode: 0o700 });
    await Deno.symlink(join(folder, "elsewhere"), paths.runtimeFolder);
    assert.throws(() => makeRuntimeFolder(paths), refusal("FOLDER_UNSAFE", /is not a folder/));
    await Deno.remove(paths.runtimeFolder);
    await Deno.writeTextFile(paths.runtimeFolder, "");
    assert.throws(() => makeRuntimeFolder(paths), refusal("FOLDER_UNSAFE", /is not a folder/));
    await Deno.remove(paths.runtimeFolder);
    await Deno.chmod(above, 0o750);
    assert.throws(() => makeRuntimeFolder(paths), refusal("FOLDER_UNSAFE", /its mode is not 0700/));
    await Deno.chmod(above, 0o500);
    checkPrivateFolder(above);
  }));

Deno.test("the runtime directory is taken from the environment only when it belongs to this user", () =>
  inTempDir((folder) => {
    const own = (name: string) => name === "XDG_RUNTIME_DIR" ? folder : undefined;
    assert.deepEqual(readHost(own), { uid: Deno.uid() ?? 0, runtimeDir: folder, tempDir: "/tmp" });
    for (const wrong of ["relative", join(folder, "missing")]) {
      assert.notEqual(readHost((name) => name === "XDG_RUNTIME_DIR" ? wrong : undefined).runtimeDir, wrong);
    }
    assert.equal(readHost((name) => name === "TMPDIR" ? "/var/tmp/" : undefined).tempDir, "/var/tmp");
    // The bug was: with TMPDIR=/dev/shm no process could reach its socket, since Deno opens nothing there to a sandbox.
    for (const closed of ["/dev/shm", "/proc/self/cwd", "/sys/fs"]) {
      const host = readHost((name) => ["TMPDIR", "XDG_RUNTIME_DIR"].includes(name) ? closed : undefined);
      assert.equal(host.tempDir, "/tmp");
      assert.notEqual(host.runtimeDir, closed);
    }
    return Promise.resolve();
  }));

Deno.test(
  "a folder that another user made under the daemon's name is passed by, and every process finds the same one",
  {
    ignore: Deno.uid() !== 0,
  },
  () =>
    inTempDir((folder) => {
      // The bug was: whoever made /tmp/nerve-UID first kept that user's daemons from starting.
      const temp = (name: string) => name === "TMPDIR" ? folder : name === "XDG_RUNTIME_DIR" ? "" : undefined;
      const host = () => ({ ...readHost(temp), runtimeDir: null }), usual = join(folder, `nerve-${Deno.uid()}`);
      assert.equal(dirname(workspacePaths("/w", host()).runtimeFolder), usual);
      Deno.mkdirSync(usual);
      Deno.chownSync(usual, 12_345, null);
      Deno.mkdirSync(`${usual}.guessed`, { mode: 0o700 });
      Deno.chownSync(`${usual}.guessed`, 12_345, null);
      const paths = workspacePaths("/w", host()), own = dirname(makeRuntimeFolder(paths));
      assert.match(own, /\/nerve-0\.[0-9a-f]{8}$/);
      checkPrivateFolder(own);
      Deno.removeSync(join(own, "..", `nerve-0.guessed`));
      assert.equal(dirname(workspacePaths("/other", host()).runtimeFolder), own);
      return Promise.resolve();
    }),
);

Deno.test("a runtime directory that others may write does not count", () =>
  inTempDir((folder) => {
    const env = (name: string) => name === "XDG_RUNTIME_DIR" ? folder : undefined;
    assert.equal(readHost(env).runtimeDir, folder);
    Deno.chmodSync(folder, 0o777);
    assert.notEqual(readHost(env).runtimeDir, folder);
    return Promise.resolve();
  }));
