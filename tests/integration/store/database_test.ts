import assert from "node:assert/strict";
import { join } from "node:path";
import { NerveError } from "../../../src/base/errors.ts";
import {
  findStoreHint,
  inTransaction,
  migrate,
  openDatabase,
  readUserVersion,
  StatementCache,
} from "../../../src/store/sqlite/database.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

const mode = (path: string) => (Deno.statSync(path).mode ?? 0) & 0o777;

Deno.test("a new database, its write-ahead log and its folder are accessible to their owner only", () =>
  inTempDir(async (root) => {
    const path = join(root, "data", "senses", "cpu.db");
    using db = openDatabase(path);
    db.exec("create table a (n)");
    assert.deepEqual([`${path}-wal`, `${path}-shm`, path].map(mode), [0o600, 0o600, 0o600]);
    assert.deepEqual([join(root, "data"), join(root, "data", "senses")].map(mode), [0o700, 0o700]);
    await Promise.resolve();
  }));

Deno.test("a database is opened with the safe options and full durability", () =>
  inTempDir(async (root) => {
    using db = openDatabase(join(root, "a.db"));
    const pragma = (name: string) => Object.values(db.prepare(`pragma ${name}`).get() ?? {})[0];
    assert.deepEqual(["journal_mode", "synchronous", "foreign_keys"].map(pragma), ["wal", 2, 1]);
    db.exec("create table a (n)");
    assert.throws(() => db.exec('insert into a values ("not a string")'), /no such column/);
    assert.throws(() => db.exec("select load_extension('x')"), /not authorized|no such function/);
    db.exec("pragma writable_schema = on");
    assert.throws(() => db.exec("delete from sqlite_schema"), /may not be modified/);
    using relaxed = openDatabase(join(root, "b.db"), { synchronous: "normal" });
    assert.equal(relaxed.prepare("pragma synchronous").get()?.synchronous, 1);
    await Promise.resolve();
  }));

Deno.test("a read-only database must exist and rejects writes", () =>
  inTempDir(async (root) => {
    const path = join(root, "a.db");
    assert.throws(() => openDatabase(path, { readOnly: true }), { name: "NerveError", code: "STORE_FAILED" });
    assert.throws(() => Deno.statSync(path), Deno.errors.NotFound);
    openDatabase(path).close();
    using db = openDatabase(path, { readOnly: true });
    assert.throws(() => db.exec("create table a (n)"), /readonly/);
    await Promise.resolve();
  }));

Deno.test("a file that is not a database is rejected, with what to do", () =>
  inTempDir(async (root) => {
    const path = join(root, "a.db");
    await Deno.writeTextFile(
      path,
      "this is a letter, not a database, and it is long enough to be looked at\n".repeat(20),
    );
    assert.throws(() => openDatabase(path), (thrown) => {
      assert.ok(thrown instanceof NerveError && thrown.code === "STORE_FAILED");
      assert.match(thrown.hint ?? "", /damaged/);
      return true;
    });
  }));

// Deno checks the path of the database and nothing beside it; should that change, workers need more grants.
Deno.test("inside a worker a database needs only the grant for its own path", () =>
  inTempDir(async (root) => {
    const path = join(root, "own.db"), source = new URL("../../../src/", import.meta.url).pathname;
    const open = (permissions: { read: string[]; write: string[] }) => askWorker(path, permissions);
    assert.equal(await open({ read: [source, path], write: [path] }), "1");
    assert.match(await open({ read: [source, path], write: [] }), /NotCapable|Requires write access/);
    assert.match(await open({ read: [source], write: [] }), /Requires (read|write) access/);
  }));

function askWorker(path: string, permissions: { read: string[]; write: string[] }): Promise<string> {
  const url = new URL("./open_in_worker.ts", import.meta.url).href;
  const worker = new Worker(url, {
    type: "module",
    deno: { permissions: { ...permissions, read: [...permissions.read, new URL(url).pathname] } },
  });
  return new Promise<string>((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => reject(new Error(event.message));
    worker.postMessage(path);
  }).finally(() => worker.terminate());
}

Deno.test("migrations run once, in order, and a database of a newer nerve is rejected with a hint", () => {
  using db = openDatabase(":memory:");
  migrate(db, ["create table a (n)"], "a.db");
  migrate(db, ["create table a (n)", "create table b (n); insert into b values (1)"], "a.db");
  migrate(db, ["create table a (n)", "create table b (n); insert into b values (1)"], "a.db");
  assert.equal(readUserVersion(db), 2);
  assert.equal(db.prepare("select count(*) as n from b").get()?.n, 1);
  assert.throws(() => migrate(db, ["create table a (n)"], "a.db"), (thrown) => {
    assert.ok(thrown instanceof NerveError && thrown.code === "STORE_FAILED" && thrown.hint !== null);
    return true;
  });
});

Deno.test("a failed migration leaves the database at the previous version", () => {
  using db = openDatabase(":memory:");
  assert.throws(() => migrate(db, ["create table a (n)", "create table b (n); create table a (n)"], "a.db"));
  assert.equal(readUserVersion(db), 1);
  assert.throws(() => db.prepare("select * from b"), /no such table/);
  assert.equal(db.isTransaction, false);
});

Deno.test("a transaction that throws is rolled back", () => {
  using db = openDatabase(":memory:");
  db.exec("create table a (n)");
  assert.throws(() =>
    inTransaction(db, () => {
      db.exec("insert into a values (1)");
      throw new Error("no");
    }), /no/);
  assert.equal(db.prepare("select count(*) as n from a").get()?.n, 0);
});

Deno.test("the statement cache keeps used statements and drops the oldest", () => {
  const prepared: string[] = [];
  using db = openDatabase(":memory:");
  const cache = new StatementCache({ prepare: (sql: string) => (prepared.push(sql), db.prepare(sql)) }, 2);
  for (const sql of ["select 1", "select 2", "select 1", "select 3", "select 1", "select 2"]) cache.get(sql).get();
  assert.deepEqual(prepared, ["select 1", "select 2", "select 3", "select 2"]);
  assert.equal(cache.size, 2);
});

Deno.test("a hint is about the fault: space only for a full disk", () => {
  const hint = (reason: string) => findStoreHint(reason) ?? "";
  for (const full of ["database or disk is full", "ENOSPC: no space left on device"]) assert.match(hint(full), /space/);
  for (const other of ["attempt to write a readonly database", "unable to open database file", "disk I/O error"]) {
    assert.ok(hint(other) !== "" && !/space/.test(hint(other)), `${other}: ${hint(other)}`);
  }
  assert.equal(findStoreHint("no such table: logs"), null);
});

Deno.test("a database that must exist is opened, and a missing one makes neither a file nor a folder", () =>
  inTempDir((root) => {
    const path = join(root, "ws", "data", "logs.db");
    assert.throws(() => openDatabase(path, { existing: true }), { code: "STORE_FAILED" });
    assert.deepEqual([...Deno.readDirSync(root)], []);
    openDatabase(path).close();
    const db = openDatabase(path, { existing: true });
    db.exec("create table t (a integer) strict");
    db.close();
    return Promise.resolve();
  }));
