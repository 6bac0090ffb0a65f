/** Where the sockets of a workspace are. Danger: two workspaces that share a folder, or a path too long for a socket. */
import assert from "node:assert/strict";
import { workspacePaths } from "../../../src/config/workspace.ts";

const host = { uid: 1000, runtimeDir: "/run/user/1000", tempDir: "/tmp" };

Deno.test("two workspaces never share a runtime folder, and one workspace always has the same", () => {
  assert.equal(workspacePaths("/a", host).runtimeFolder, workspacePaths("/a", host).runtimeFolder);
  assert.notEqual(workspacePaths("/a", host).runtimeFolder, workspacePaths("/b", host).runtimeFolder);
});

Deno.test("without a runtime directory the user's own folder in the temp folder is used", () => {
  assert.match(workspacePaths("/a", { ...host, runtimeDir: null }).runtimeFolder, /^\/tmp\/nerve-1000\/[0-9a-f]{16}$/);
});
