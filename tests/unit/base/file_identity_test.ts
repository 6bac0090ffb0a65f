import assert from "node:assert/strict";
import { identifyFile, readInode } from "../../../src/base/file_identity.ts";
import { join } from "../../support/paths.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

Deno.test("identifyFile() distinguishes a file from its replacement, and from a missing file", () =>
  inTempDir(async (root) => {
    const path = join(root, "a");
    assert.equal(identifyFile(path), null);
    await Deno.writeTextFile(path, "1");
    const first = identifyFile(path);
    await Deno.writeTextFile(path, "2");
    assert.equal(identifyFile(path), first);
    await Deno.writeTextFile(join(root, "b"), "3");
    await Deno.rename(join(root, "b"), path);
    assert.notEqual(identifyFile(path), first);
    assert.equal(identifyFile(join(path, "below a file")), null);
    assert.equal(readInode(path), (await Deno.stat(path)).ino);
    assert.equal(readInode(join(root, "missing")), null);
  }));
