/** The files that cleanup finds and removes. Danger: a file outside the folder, or one that is still in use. */
import assert from "node:assert/strict";
import { inTempDir } from "../../support/temp_workspace.ts";
import { findOldFiles, removeFile } from "../../../workflows/cleanup/files.ts";

const { signal } = new AbortController();
const before = Date.UTC(2026, 0, 1);

/** Writes a file of five bytes that was last changed a day before or after the limit. */
async function write(path: string, old = true): Promise<void> {
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  await Deno.writeTextFile(path, "12345");
  const changed = new Date(before + (old ? -1 : 1) * 86_400_000);
  await Deno.utime(path, changed, changed);
}

Deno.test("findOldFiles() lists old files that match, folder by folder, and follows no link", async () => {
  await inTempDir(async (root) => {
    for (const path of ["b.log", "a.log", "in/deep/c.log", "other.txt"]) await write(`${root}/here/${path}`);
    await write(`${root}/here/new.log`, false);
    await write(`${root}/there/outside.log`);
    await Deno.symlink(`${root}/there`, `${root}/here/link`);
    await Deno.symlink(`${root}/there/outside.log`, `${root}/here/link.log`);
    const search = { folder: `${root}/here`, pattern: "*.log", before };
    const all = await findOldFiles({ ...search, filesMax: 10 }, signal);
    assert.deepEqual(all, {
      files: ["a.log", "b.log", "in/deep/c.log"].map((path) => ({ path, bytes: 5 })),
      more: false,
      missing: false,
    });
    const some = await findOldFiles({ ...search, filesMax: 2 }, signal);
    assert.deepEqual([some.files.length, some.more], [2, true]);
    const none = await findOldFiles({ ...search, pattern: "?.LOG", filesMax: 10 }, signal);
    assert.deepEqual(none.files, []);
    const absent = await findOldFiles({ ...search, folder: `${root}/missing`, filesMax: 1 }, signal);
    assert.deepEqual(absent, { files: [], more: false, missing: true });
  });
});

Deno.test("removeFile() removes an unchanged file, and keeps all others with the reason", async () => {
  await inTempDir(async (root) => {
    const remove = (path: string, bytes = 5) => removeFile(`${root}/here`, { path, bytes }, before);
    for (const path of ["a", "in/b", "resized"]) await write(`${root}/here/${path}`);
    await write(`${root}/here/changed`, false);
    await write(`${root}/there/outside`);
    await Deno.symlink(`${root}/there`, `${root}/here/link`);
    assert.equal(await remove("a"), "removed");
    assert.equal(await remove("a"), "gone");
    assert.equal(await remove("in/b"), "removed");
    assert.deepEqual(await remove("changed"), { kept: "it has changed since the scan" });
    assert.deepEqual(await remove("resized", 4), { kept: "its size has changed since the scan" });
    assert.deepEqual(await remove("link/outside"), { kept: "a folder on its path has become a link" });
    for (const path of ["../there/outside", `${root}/there/outside`]) {
      assert.deepEqual(await remove(path), { kept: "its path leaves the folder" });
    }
    assert.equal(await Deno.readTextFile(`${root}/there/outside`), "12345");
  });
});
