/** Writing the files of a workspace. Danger: a file of the user's own is lost. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { findForeignFiles, isUnchanged, writeFiles } from "../../../src/cli/scaffold/owned_files.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

const files = (texts: Record<string, string>) =>
  new Map(Object.entries(texts).map(([path, text]) => [path, new TextEncoder().encode(text)]));

Deno.test("an unchanged file is updated; a file that the user changed is kept", () =>
  inTempDir(async (root) => {
    assert.deepEqual(await writeFiles(root, files({ "a.ts": "1", "b/c.ts": "1" })), {
      created: ["a.ts", "b/c.ts"],
      updated: [],
      kept: [],
    });
    await Deno.writeTextFile(join(root, "a.ts"), "mine");
    assert.deepEqual(await writeFiles(root, files({ "a.ts": "2", "b/c.ts": "2" })), {
      created: [],
      updated: ["b/c.ts"],
      kept: ["a.ts"],
    });
    assert.equal(await Deno.readTextFile(join(root, "a.ts")), "mine");
    assert.deepEqual([await isUnchanged(root, "a.ts"), await isUnchanged(root, "b/c.ts")], [false, true]);
  }));

Deno.test("a file that existed before belongs to the user, unless its text is what would be written", () =>
  inTempDir(async (root) => {
    await Deno.writeTextFile(join(root, "own.ts"), "mine");
    await Deno.writeTextFile(join(root, "same.ts"), "1");
    assert.deepEqual((await writeFiles(root, files({ "own.ts": "1", "same.ts": "1" }))).kept, ["own.ts"]);
    assert.ok(await isUnchanged(root, "same.ts"));
  }));

Deno.test("with a broken record of written files every file belongs to the user", () =>
  inTempDir(async (root) => {
    await writeFiles(root, files({ "a.ts": "1" }));
    await Deno.writeTextFile(join(root, ".nerve-init.json"), "{");
    assert.deepEqual((await writeFiles(root, files({ "a.ts": "2" }))).kept, ["a.ts"]);
  }));

Deno.test("findForeignFiles() names files that nerve did not write and is not about to write, links included", () =>
  inTempDir(async (root) => {
    const library = files({ "senses/cpu/index.ts": "1", "senses/cpu/schema.ts": "1" });
    await writeFiles(root, library);
    assert.deepEqual(await findForeignFiles(root, "senses/cpu", library), []);
    await Deno.writeTextFile(join(root, "senses/cpu/notes.md"), "mine");
    await Deno.writeTextFile(join(root, "senses/cpu/schema.ts"), "mine");
    await Deno.symlink("/etc/passwd", join(root, "senses/cpu/link"));
    assert.deepEqual(await findForeignFiles(root, "senses/cpu", library), [
      "senses/cpu/link",
      "senses/cpu/notes.md",
      "senses/cpu/schema.ts",
    ]);
    assert.deepEqual(await findForeignFiles(root, "senses/none", library), []);
  }));

Deno.test("a write that fails leaves no file that would later count as the user's", () =>
  inTempDir(async (root) => {
    await Deno.writeTextFile(join(root, "lib"), "no folder");
    await assert.rejects(writeFiles(root, files({ "lib/a.ts": "1" })));
    assert.deepEqual([...Deno.readDirSync(root)].map(({ name }) => name), ["lib"]);
  }));
