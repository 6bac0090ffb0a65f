/** What must lie beside a database before Landlock closes its folder. Danger: a start loses rows, or follows a trap. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { ProcessSpec } from "../../../src/protocol/message.ts";
import { makeOwnFiles } from "../../../src/sandbox/own_files.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

async function make(root: string, database: string): Promise<string[]> {
  const spec = { senses: [{ database }], blobs: join(root, "blobs") } as unknown as ProcessSpec;
  await makeOwnFiles(spec, []);
  return [...Deno.readDirSync(root)].map(({ name }) => name).filter((name) => name !== "blobs").sort();
}

function write(database: string): DatabaseSync {
  const db = new DatabaseSync(database);
  db.exec("pragma journal_mode = wal; create table if not exists t (n); insert into t values (1)");
  return db;
}

function count(database: string): unknown {
  const db = new DatabaseSync(database);
  try {
    return db.prepare("select count(*) as n from t").get()?.n;
  } finally {
    db.close();
  }
}

Deno.test("a new database, and one that was closed, have both files beside them, and keep their rows", async () => {
  await inTempDir(async (root) => {
    const database = join(root, "a.db"), whole = ["a.db", "a.db-shm", "a.db-wal"];
    assert.deepEqual(await make(root, database), whole);
    write(database).close();
    assert.deepEqual([...Deno.readDirSync(root)].map(({ name }) => name).sort(), ["a.db", "blobs"]);
    assert.deepEqual(await make(root, database), whole);
    assert.equal(count(database), 1);
  });
});

Deno.test("after a kill the rows of the -wal file are there, with its -shm file or without", async () => {
  await inTempDir(async (root) => {
    const database = join(root, "a.db"), killed = join(root, "killed");
    Deno.mkdirSync(killed);
    const db = write(database);
    for (const end of ["", "-wal", "-shm"]) Deno.copyFileSync(database + end, join(killed, `a.db${end}`));
    db.close();
    for (const without of ["-shm", null]) {
      const copy = join(root, `${without}`);
      Deno.mkdirSync(copy);
      for (const end of ["", "-wal", "-shm"]) {
        if (end !== without) Deno.copyFileSync(join(killed, `a.db${end}`), join(copy, `a.db${end}`));
      }
      assert.deepEqual(await make(copy, join(copy, "a.db")), ["a.db", "a.db-shm", "a.db-wal"]);
      assert.equal(count(join(copy, "a.db")), 1);
    }
  });
});

Deno.test("beside a journal, and beside what is no database, nothing is made", async () => {
  await inTempDir(async (root) => {
    const database = join(root, "a.db");
    Deno.writeTextFileSync(database, "this is a text, and longer than the header of a database");
    assert.deepEqual(await make(root, database), ["a.db"]);
    Deno.removeSync(database);
    Deno.writeTextFileSync(`${database}-journal`, "a trap");
    assert.deepEqual(await make(root, database), ["a.db-journal"]);
  });
});
