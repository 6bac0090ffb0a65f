/** A sense's database where the disk has no space to open it: a copy in memory with everything that it held. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { copyIntoMemory } from "../../../src/store/sqlite/memory_copy.ts";
import { openSenseOrCopy } from "../../../src/store/sqlite/sense_database.ts";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { canMount, smallDisk } from "../../support/mounts.ts";

const schema = `create table "a b" (id integer primary key autoincrement, text text not null) strict;
  create unique index a_text on "a b" (text);
  create view v as select count(*) as n from "a b";
  create trigger t after insert on "a b" when new.text = 'x' begin insert into "a b" (text) values ('y'); end;
  insert into "a b" (text) values ('one'), ('two');`;

Deno.test({
  name: "on a full disk a sense's database is a copy in memory, and the file stays as it was",
  ignore: !canMount,
  fn() {
    const folder = Deno.makeTempDirSync();
    using disk = smallDisk(folder, 4 * 1024 ** 2);
    const path = `${folder}/sense.db`, file = openDatabase(path);
    file.exec(schema);
    file.close();
    disk.fill();
    const { sqlite, unstored } = openSenseOrCopy(path);
    assert.match(unstored ?? "", /cannot be opened: .* \(is the disk full\?\)/);
    sqlite.exec(`insert into "a b" (text) values ('x')`);
    assert.equal(sqlite.prepare("select n from v").get()?.n, 4);
    assert.throws(() => sqlite.exec(`insert into "a b" (text) values ('one')`), /UNIQUE/);
    assert.equal(sqlite.prepare("select count(*) as n from pragma_database_list").get()?.n, 1, "nothing is attached");
    sqlite.close();
    disk.free();
    const opened = openSenseOrCopy(path);
    assert.equal(opened.unstored, null);
    assert.equal(opened.sqlite.prepare("select n from v").get()?.n, 2);
    opened.sqlite.close();
  },
});

Deno.test("what is no database of plain tables is not copied; a missing one is empty", () => {
  const folder = Deno.makeTempDirSync();
  try {
    copyIntoMemory(`${folder}/none.db`)?.close();
    assert.notEqual(copyIntoMemory(`${folder}/none.db`), null);
    const db = openDatabase(`${folder}/fts.db`);
    db.exec("create virtual table f using fts5(x)");
    db.close();
    assert.equal(copyIntoMemory(`${folder}/fts.db`), null);
    // A sense may write into its file what SQLite itself would not: SQL in place of its schema.
    using evil = new DatabaseSync(`${folder}/evil.db`, { defensive: false });
    evil.exec(`create table t (x); pragma writable_schema = 1;
      update sqlite_schema set sql = sql || '; attach ''${folder}/made.db'' as made; create table made.t (x)'`);
    evil.close();
    assert.equal(copyIntoMemory(`${folder}/evil.db`), null);
    assert.throws(() => Deno.statSync(`${folder}/made.db`), Deno.errors.NotFound);
    Deno.writeTextFileSync(`${folder}/odd.db`, "no database ".repeat(1_000));
    assert.equal(copyIntoMemory(`${folder}/odd.db`), null);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
