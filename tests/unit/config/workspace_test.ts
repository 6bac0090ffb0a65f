import assert from "node:assert/strict";
import { dirname } from "node:path";
import { runtimeNameMaxBytes, socketPathMaxBytes, workspacePaths } from "../../../src/config/workspace.ts";
import { byteLength } from "../../../src/protocol/json.ts";
import fc from "../../support/fast_check.ts";

const host = { uid: 1000, runtimeDir: "/run/user/1000", tempDir: "/tmp" };

Deno.test("every path of a workspace is where the documentation says", () => {
  const paths = workspacePaths("/home/me/w", host);
  assert.equal(paths.configFile, "/home/me/w/nerve.yaml");
  assert.equal(paths.senseEntry("cpu"), "/home/me/w/senses/cpu/index.ts");
  assert.equal(paths.migrations("cpu"), "/home/me/w/senses/cpu/migrations");
  assert.equal(paths.senseDatabase("cpu"), "/home/me/w/data/senses/cpu.db");
  assert.equal(paths.workflowEntry("w"), "/home/me/w/workflows/w/index.ts");
  assert.equal(paths.logDatabase, "/home/me/w/data/logs.db");
  assert.equal(paths.blobs, "/home/me/w/data/blobs");
  assert.equal(paths.archive, "/home/me/w/data/archive/logs");
  assert.equal(paths.transcripts, "/home/me/w/data/sessions");
  assert.equal(paths.textLog, "/home/me/w/logs/nerve.log");
  assert.equal(paths.socket, "/home/me/w/nerve.sock");
  assert.match(paths.runtimeFolder, /^\/run\/user\/1000\/nerve\/[0-9a-f]{16}$/);
});

Deno.test("the socket stays in the workspace up to 107 bytes, and moves to the runtime folder beyond", () => {
  const fits = `/${"a".repeat(socketPathMaxBytes - "//nerve.sock".length)}`;
  assert.equal(byteLength(workspacePaths(fits, host).socket), socketPathMaxBytes);
  assert.equal(dirname(workspacePaths(fits, host).socket), fits);
  const moved = workspacePaths(`${fits}b`, host);
  assert.equal(moved.socket, `${moved.runtimeFolder}/nerve.sock`);
  // The limit counts bytes, not letters.
  const wide = workspacePaths(`/${"\u00e4".repeat(60)}`, host);
  assert.equal(wide.socket, `${wide.runtimeFolder}/nerve.sock`);
});

Deno.test("every socket can be bound, whatever the folders are called", () => {
  const folder = fc.stringMatching(/^(\/[a-z\u00e4]{1,60}){1,4}$/);
  fc.assert(fc.property(folder, fc.option(folder), folder, (root, runtimeDir, tempDir) => {
    const paths = workspacePaths(root, { uid: 4_294_967_294, runtimeDir, tempDir });
    assert.ok(byteLength(paths.socket) <= socketPathMaxBytes);
    assert.ok(byteLength(paths.runtimeFolder) + 1 + runtimeNameMaxBytes <= socketPathMaxBytes);
  }));
});
