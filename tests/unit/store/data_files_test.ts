/** Which files make up the data of a workspace. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { workspacePaths } from "../../../src/config/workspace.ts";
import { listBlobFiles, listDatabases, measureDatabase } from "../../../src/store/maintenance/data_files.ts";
import { inTempDir, writeWorkspace } from "../../support/temp_workspace.ts";

Deno.test("databases are the log, if it exists, and those of all senses by their names", () =>
  inTempDir(async (root) => {
    const paths = workspacePaths(root);
    assert.deepEqual(listDatabases(paths), []);
    await writeWorkspace(root, {
      "data/senses/b.db": "",
      "data/senses/a.db": "",
      "data/senses/a.db-wal": "",
      "data/x.db": "",
    });
    await Deno.mkdir(join(paths.senseDatabases, "folder.db"));
    assert.deepEqual(listDatabases(paths).map(({ name }) => name), ["a", "b"]);
    await Deno.writeTextFile(paths.logDatabase, "");
    assert.deepEqual(listDatabases(paths).map(({ name }) => name), ["log", "a", "b"]);
  }));

Deno.test("the bytes of a database include its write-ahead log; a missing database has none", () =>
  inTempDir(async (root) => {
    await writeWorkspace(root, { "a.db": "four", "a.db-wal": "123456" });
    assert.equal(measureDatabase(join(root, "a.db")), 10);
    assert.equal(measureDatabase(join(root, "none.db")), 0);
  }));

Deno.test("a file among the blobs is a blob only under the name of a digest", () =>
  inTempDir(async (root) => {
    const digest = "ab".repeat(32);
    await writeWorkspace(root, {
      [`ab/${digest.slice(2)}`]: "blob",
      "ab/.5f0c": "what an interrupted write left",
      "cd/short": "x",
      "stray": "not in a folder",
    });
    const found = [...listBlobFiles(root)].map((file) => [file.digest, file.bytes]);
    assert.deepEqual(found.filter(([known]) => known !== null), [[digest, 4]]);
    assert.equal(found.length, 3);
    assert.deepEqual([...listBlobFiles(join(root, "none"))], []);
  }));
