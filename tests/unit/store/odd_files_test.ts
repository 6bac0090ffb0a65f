/**
 * What does not belong into the data of a workspace, and what must not be read as it says. Danger: code in the sandbox
 * leaves something in the place of its database, and whoever opens it waits for ever, or reads another file.
 */
import assert from "node:assert/strict";
import { basename, join } from "node:path";
import { workspacePaths } from "../../../src/config/workspace.ts";
import type { DataPaths } from "../../../src/store/maintenance/data_files.ts";
import { findDatabaseFault, HollowBudget, isHollow, listOddFiles } from "../../../src/store/maintenance/odd_files.ts";
import { inTempDir, writeWorkspace } from "../../support/temp_workspace.ts";

const mb = 1024 ** 2;

/** A workspace's data with a database, a blob and a day of the archive. */
function withData(test: (paths: DataPaths, root: string) => void | Promise<void>): Promise<void> {
  return inTempDir(async (root) => {
    const paths = workspacePaths(root);
    await writeWorkspace(root, { "outside": "", "data/senses/a.db": "", "data/senses/a.db-wal": "" });
    for (const [folder, path] of [[paths.blobs, "ab/blob"], [paths.archive, "2026-01-01.jsonl"]] as const) {
      await writeWorkspace(folder, { [path]: "" });
    }
    await test(paths, root);
  });
}

/** `NAME why`, in the order of the names. */
const oddIn = (paths: DataPaths) => listOddFiles(paths).map(({ path, why }) => `${basename(path)} ${why}`).sort();

Deno.test("a database that is a file, or not there, may be opened, whatever else stands beside it", () =>
  withData(({ senseDatabases }) => {
    Deno.symlinkSync("/", join(senseDatabases, "a.db-other"));
    for (const name of ["a.db", "none.db"]) assert.equal(findDatabaseFault(join(senseDatabases, name)), null);
  }));

Deno.test("a database that is anything else is not opened, also where that is what SQLite opens beside it", () =>
  withData(({ senseDatabases }, root) => {
    const path = (name: string) => join(senseDatabases, name);
    Deno.mkdirSync(path("folder.db"));
    Deno.symlinkSync(join(root, "outside"), path("link.db"));
    Deno.symlinkSync(join(root, "not there"), path("dangling.db"));
    using _socket = Deno.listen({ transport: "unix", path: path("socket.db") });
    const faults = ["folder.db", "link.db", "dangling.db", "socket.db"].map((name) => findDatabaseFault(path(name)));
    assert.deepEqual(faults, ["is a folder", "is a symbolic link", "is a symbolic link", "is a socket"]);
    assert.equal(findDatabaseFault("/dev/null"), "is a device");
    for (const end of ["-wal", "-shm", "-journal"]) {
      const name = `b${end}.db`;
      Deno.writeTextFileSync(path(name), "");
      Deno.symlinkSync(join(root, "outside"), path(name + end));
      assert.equal(findDatabaseFault(path(name)), `its file ${name}${end} is a symbolic link`);
    }
  }));

Deno.test("sound data has nothing odd, and neither has a workspace without data", () =>
  withData(async (paths, root) => {
    await writeWorkspace(paths.blobs, { "temporary": "" });
    await writeWorkspace(root, { "data/senses/notes.txt": "", "data/senses/folder/x.db": "" });
    await writeWorkspace(paths.archive, { "folder/x": "" });
    assert.deepEqual(oddIn(paths), []);
    assert.deepEqual(listOddFiles(workspacePaths(join(root, "elsewhere"))), []);
  }));

Deno.test("what stands in the place of a database, a blob or a day of the archive is found, each by its own path", () =>
  withData((paths, root) => {
    const link = (...path: string[]) => Deno.symlinkSync(join(root, "outside"), join(...path));
    link(paths.senseDatabases, "b.db");
    link(paths.senseDatabases, "b.db-shm");
    Deno.mkdirSync(join(paths.senseDatabases, "c.db"));
    link(paths.archive, "2026-01-02.jsonl");
    link(paths.blobs, "cd");
    link(paths.blobs, "ab", "other");
    Deno.mkdirSync(join(paths.blobs, "ab", "folder"));
    assert.deepEqual(oddIn(paths), [
      "2026-01-02.jsonl is a symbolic link",
      "b.db is a symbolic link",
      "b.db-shm is a symbolic link",
      "c.db is a folder",
      "cd is a symbolic link",
      "folder is a folder",
      "other is a symbolic link",
    ]);
    assert.ok(listOddFiles(paths).some(({ path }) => path === join(paths.blobs, "ab", "other")));
  }));

Deno.test("a folder that is something else is told, and what it leads to is not listed", () =>
  withData((paths, root) => {
    Deno.mkdirSync(join(root, "far", "ab"), { recursive: true });
    Deno.symlinkSync("/", join(root, "far", "ab", "odd"));
    for (const folder of [paths.blobs, paths.archive, paths.senseDatabases]) {
      Deno.removeSync(folder, { recursive: true });
    }
    Deno.symlinkSync(join(root, "far"), paths.blobs);
    Deno.writeTextFileSync(paths.archive, "");
    assert.deepEqual(oddIn(paths), [
      `${basename(paths.blobs)} is a symbolic link`,
      `${basename(paths.archive)} is a file`,
    ]);
  }));

Deno.test("a folder that this user may not read is told", { ignore: Deno.uid() === 0 }, () =>
  withData((paths) => {
    for (const folder of [paths.archive, join(paths.blobs, "ab")]) Deno.chmodSync(folder, 0o000);
    try {
      assert.deepEqual(oddIn(paths), [
        "ab cannot be read by this user",
        `${basename(paths.archive)} cannot be read by this user`,
      ]);
    } finally {
      for (const folder of [paths.archive, join(paths.blobs, "ab")]) Deno.chmodSync(folder, 0o700);
    }
  }));

Deno.test("of any number of odd files a thousand are told", () =>
  withData((paths) => {
    for (let n = 0; n < 1_010; n++) Deno.symlinkSync("/", join(paths.blobs, "ab", `${n}`));
    assert.equal(listOddFiles(paths).length, 1_000);
  }));

Deno.test("a file is hollow when it is large and takes less than a twentieth of what it claims", () => {
  const isSo = (size: number, taken: number | null) =>
    isHollow({ size, blocks: taken === null ? null : taken / 512 } as Deno.FileInfo);
  assert.deepEqual([isSo(16 * mb, 0), isSo(16 * mb + 1, 0)], [false, true], "a small one costs nothing to read");
  assert.deepEqual([isSo(100 * mb, 5 * mb), isSo(100 * mb, 5 * mb - 512)], [false, true]);
  assert.equal(isSo(100 * mb, null), false, "where the system does not tell");
});

Deno.test("hollow files are read up to a number of bytes in all, and others always", () =>
  inTempDir((root) => {
    const make = (name: string, size: number) => {
      const path = join(root, name);
      using file = Deno.createSync(path);
      file.truncateSync(size);
      return path;
    };
    const budget = new HollowBudget(100 * mb), [first, second, small] = [60, 50, 1].map((n) => make(`f${n}`, n * mb));
    assert.equal(budget.refuse(first ?? ""), null);
    assert.match(budget.refuse(second ?? "") ?? "", /^is hollow: it claims 50(\.0)? Mi?B and takes 0 B$/);
    assert.equal(budget.refuse(make("f40", 40 * mb)), null, "what was refused has cost nothing");
    assert.match(budget.refuse(make("f17", 17 * mb)) ?? "", /^is hollow/);
    for (const path of [small ?? "", join(root, "none")]) assert.equal(budget.refuse(path), null);
    return Promise.resolve();
  }));
