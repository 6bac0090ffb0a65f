/** Folders that survive a power cut. What can be checked without one: that they are created, and for whom. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { makeFolderDurably, syncFolders } from "../../../src/base/durable_folder.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

Deno.test("makeFolderDurably() also creates missing parents, for this user alone", () =>
  inTempDir(async (root) => {
    await makeFolderDurably(join(root, "a", "b", "c"));
    for (const path of ["a", "a/b", "a/b/c"]) {
      assert.equal((Deno.statSync(join(root, path)).mode ?? 0) & 0o777, 0o700, path);
    }
  }));

Deno.test("makeFolderDurably() leaves an existing folder as it is", () =>
  inTempDir(async (root) => {
    await Deno.mkdir(join(root, "a"), { mode: 0o755 });
    await Promise.all([makeFolderDurably(join(root, "a")), makeFolderDurably(join(root, "a"))]);
    assert.equal((Deno.statSync(join(root, "a")).mode ?? 0) & 0o777, 0o755);
  }));

Deno.test("makeFolderDurably() fails when a file is in the way", () =>
  inTempDir(async (root) => {
    await Deno.writeTextFile(join(root, "file"), "");
    await assert.rejects(makeFolderDurably(join(root, "file", "a")));
  }));

Deno.test("syncFolders() reaches every folder below", () =>
  inTempDir(async (root) => {
    await Deno.mkdir(join(root, "a", "b"), { recursive: true });
    await Deno.writeTextFile(join(root, "a", "file"), "x");
    await syncFolders(root);
    await assert.rejects(syncFolders(join(root, "none")), Deno.errors.NotFound);
  }));
