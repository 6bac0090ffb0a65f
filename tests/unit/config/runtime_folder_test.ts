/** Where the sockets of a workspace are. Danger: workspaces that share a folder, or a path too long for a socket. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { followSocketLink, linkSocket, listSocketFolders } from "../../../src/config/runtime_folder.ts";
import { workspacePaths } from "../../../src/config/workspace.ts";

import { inTempDir } from "../../support/temp_workspace.ts";

const host = { uid: 1000, runtimeDir: "/run/user/1000", tempDir: "/tmp" };

Deno.test("two workspaces never share a runtime folder, and one workspace always has the same", () => {
  assert.equal(workspacePaths("/a", host).runtimeFolder, workspacePaths("/a", host).runtimeFolder);
  assert.notEqual(workspacePaths("/a", host).runtimeFolder, workspacePaths("/b", host).runtimeFolder);
});

Deno.test("without a runtime directory the user's own folder in the temp folder is used", () => {
  assert.match(workspacePaths("/a", { ...host, runtimeDir: null }).runtimeFolder, /^\/tmp\/nerve-1000\/[0-9a-f]{16}$/);
});

Deno.test("processes have a second folder for their sockets in data/, where its path is short enough", () => {
  const folders = (root: string) => listSocketFolders(workspacePaths(root, host)).map(({ path }) => path);
  assert.deepEqual(folders("/a"), [workspacePaths("/a", host).runtimeFolder, "/a/data/run"]);
  assert.deepEqual(folders(`/${"a".repeat(64)}`).length, 2);
  assert.deepEqual(folders(`/${"a".repeat(65)}`).length, 1);
});

Deno.test("a client with another runtime directory follows the daemon's link, but to no other user's or missing socket", () =>
  inTempDir((root) => {
    const workspace = join(root, "d".repeat(60), "e".repeat(60)), uid = Deno.uid() ?? 0;
    const of = (runtimeDir: string) => workspacePaths(workspace, { uid, runtimeDir, tempDir: root });
    const daemon = of(join(root, "one")), client = of(join(root, "two"));
    for (const folder of [workspace, daemon.runtimeFolder]) Deno.mkdirSync(folder, { recursive: true });
    assert.notEqual(daemon.socket, client.socket);
    const unlink = linkSocket(daemon);
    assert.deepEqual(followSocketLink(client), client, "no socket is there yet");
    using listener = Deno.listen({ transport: "unix", path: daemon.socket });
    const found = followSocketLink(client);
    assert.deepEqual([found.socket, found.runtimeFolder], [daemon.socket, dirname(daemon.socket)]);
    linkSocket(daemon);
    unlink();
    assert.equal([...Deno.readDirSync(workspace)].length, 0);
    Deno.symlinkSync("/dev/null", join(workspace, "nerve.sock"));
    assert.deepEqual(followSocketLink(client), client);
    assert.equal(listener.addr.transport, "unix");
    return Promise.resolve();
  }));
