import assert from "node:assert/strict";
import { join } from "node:path";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { readNewestRows, readSchema, runReadOnlyQuery } from "../../../src/store/sqlite/sense_query.ts";
import { openMigrated } from "../../support/sense_database.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

function bench(test: (path: string, root: string) => void): Promise<void> {
  return inTempDir(async (root) => {
    const path = join(root, "cpu.db"), folder = join(root, "migrations");
    await Deno.mkdir(folder);
    await Deno.writeTextFile(
      join(folder, "0001_a.sql"),
      `create table readings (id integer primary key, used real not null, note text) strict;
       create index readings_used on readings (used);
       create table "odd ""name" (k text primary key, v) without rowid;
       create view latest as select * from readings;
       insert into readings values (1, 0.5, 'a'), (2, 0.75, null), (3, 1, 'c');`,
    );
    (await openMigrated(path, folder)).sqlite.close();
    test(path, root);
  });
}

const rowsOf = (path: string, sql: string) => [...runReadOnlyQuery(path, sql).rows];

Deno.test("a select returns its columns and rows, whatever their types and names", () =>
  bench((path) => {
    const { columns, rows } = runReadOnlyQuery(
      path,
      "select id, used as id, note from readings where id < 3 order by 1; -- end",
    );
    assert.deepEqual([columns, [...rows]], [["id", "id", "note"], [[1, 0.5, "a"], [2, 0.75, null]]]);
    const values = "select 9223372036854775807, -9007199254740991, 9007199254740993, x'00ff', 1.5, 'é'";
    assert.deepEqual(rowsOf(path, values), [
      [9223372036854775807n, -9007199254740991, 9007199254740993n, new Uint8Array([0, 255]), 1.5, "é"],
    ]);
  }));

Deno.test("everything that only reads is allowed: common table expressions, explain, informational pragmas", () =>
  bench((path) => {
    for (
      const sql of [
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < 3) select i from n",
        "explain query plan select * from readings",
        "pragma table_info(readings)",
        "select name from pragma_table_list",
        "pragma user_version",
        "values (1), (2)",
        "select json_extract('{\"a\":1}', '$.a')",
      ]
    ) assert.ok(rowsOf(path, sql).length > 0, sql);
  }));

Deno.test("anything but one reading statement is rejected, and changes nothing", () =>
  bench((path, root) => {
    const before = rowsOf(path, "select * from readings");
    for (
      const sql of [
        "delete from readings",
        "insert into readings values (9, 9, 9) returning id",
        "with x as (select 1) update readings set used = 0",
        "drop table readings",
        "create temp table x (n)",
        "begin",
        "commit",
        "savepoint s",
        `attach '${root}/other.db' as other`,
        `vacuum into '${root}/copy.db'`,
        "vacuum",
        "reindex",
        "analyze",
        "pragma journal_mode = delete",
        "pragma user_version = 7",
        "pragma query_only(0)",
        "pragma wal_checkpoint(truncate)",
        "explain delete from readings",
        "select 1; select 2",
        "select 1; delete from readings",
        "select",
        "select * from nowhere",
        "",
        "-- nothing",
        "/*",
      ]
    ) assert.throws(() => rowsOf(path, sql), { name: "NerveError", code: "QUERY_INVALID" }, sql);
    assert.deepEqual(rowsOf(path, "select * from readings"), before);
    const made = [...Deno.readDirSync(root)].map(({ name }) => name).filter((name) =>
      !/^cpu\.db(-wal|-shm)?$/.test(name)
    );
    assert.deepEqual(made, ["migrations"]);
  }));

Deno.test("a missing database is an error and is not created", () =>
  bench((path) => {
    for (
      const ask of [() => rowsOf(`${path}x`, "select 1"), () =>
        readNewestRows(`${path}x`, null, 1), () =>
        readSchema(`${path}x`)]
    ) {
      assert.throws(ask, { code: "STORE_FAILED" });
    }
    assert.throws(() =>
      Deno.statSync(`${path}x`), Deno.errors.NotFound);
  }));

Deno.test("rows are streamed: an endless result can be abandoned at any time, and an error on the way is thrown", () =>
  bench((path) => {
    const endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select i from n";
    const seen: unknown[] = [];
    for (const [i] of runReadOnlyQuery(path, endless).rows) {
      seen.push(i);
      if (seen.length === 3) break;
    }
    assert.deepEqual(seen, [1, 2, 3]);
    const failing = "select case id when 2 then abs(-9223372036854775807 - 1) else id end from readings order by id";
    for (const sql of [failing, `/* so */ ${failing}; -- there`, `with r as (${failing}) select * from r`]) {
      assert.throws(() => rowsOf(path, sql), { code: "QUERY_INVALID", message: /integer overflow/ }, sql);
    }
    assert.ok(rowsOf(path, "select id from readings where random() % 2").length <= 3);
  }));

Deno.test("a query and a writing sense do not block each other", () =>
  bench((path) => {
    using writer = openDatabase(path);
    const rows = runReadOnlyQuery(path, "select id from readings order by id").rows[Symbol.iterator]();
    assert.deepEqual(rows.next().value, [1]);
    writer.exec("insert into readings values (4, 0.1, 'new')");
    assert.deepEqual([...{ [Symbol.iterator]: () => rows }], [[2], [3]]);
    assert.equal(rowsOf(path, "select id from readings").length, 4);
  }));

Deno.test("who takes the rows of a query slowly keeps no sense from emptying its -wal file", () =>
  bench((path) => {
    using writer = openDatabase(path);
    writer.exec("pragma busy_timeout = 0");
    const isFree = () => writer.prepare("pragma wal_checkpoint(truncate)").get()?.busy === 0;
    const rows = runReadOnlyQuery(path, "select id from readings order by id").rows[Symbol.iterator]();
    assert.deepEqual(rows.next().value, [1]);
    writer.exec("insert into readings values (4, 0.1, 'new')");
    assert.ok(isFree());
    const endless = "with recursive n(i) as (select id from readings union all select i + 1 from n) select i from n";
    const more = runReadOnlyQuery(path, endless).rows[Symbol.iterator]();
    assert.equal(more.next().done, false);
    writer.exec("insert into readings values (5, 0.1, 'new')");
    assert.ok(!isFree(), "an answer that is larger than memory may hold is read while it is taken");
    more.return?.();
    assert.ok(isFree());
  }));

Deno.test("the newest rows are of the sense's first table, or of the named one", () =>
  bench((path) => {
    const { table, columns, rows } = readNewestRows(path, null, 2);
    assert.deepEqual([table, columns, [...rows]], ["readings", ["id", "used", "note"], [[3, 1, "c"], [2, 0.75, null]]]);
    assert.deepEqual([...readNewestRows(path, 'odd "name', 5).rows], []);
    for (const name of ["nowhere", "latest", "_migrations", "readings; drop table readings"]) {
      assert.throws(() => readNewestRows(path, name, 1), { code: "QUERY_INVALID", message: /no table/ }, name);
    }
  }));

Deno.test("a database without a table of its own says so", () =>
  inTempDir(async (root) => {
    const path = join(root, "empty.db");
    (await openMigrated(path, join(root, "none"))).sqlite.close();
    assert.throws(() => readNewestRows(path, null, 1), { code: "QUERY_INVALID", message: /no table yet/ });
    assert.deepEqual(readSchema(path), []);
    await Promise.resolve();
  }));

Deno.test("the schema lists the sense's own tables with their columns, indexes and rows", () =>
  bench((path) => {
    const [readings, odd, ...others] = readSchema(path);
    assert.deepEqual(others, []);
    assert.deepEqual([readings?.name, readings?.rows, odd?.name, odd?.rows], ["readings", 3, 'odd "name', 0]);
    assert.match(readings?.sql ?? "", /^CREATE TABLE readings \(id integer/i);
    assert.deepEqual(readings?.indexes, ["CREATE INDEX readings_used on readings (used)"]);
    assert.deepEqual(readings?.columns, [
      { name: "id", type: "INTEGER", notNull: false, primaryKey: true },
      { name: "used", type: "REAL", notNull: true, primaryKey: false },
      { name: "note", type: "TEXT", notNull: false, primaryKey: false },
    ]);
  }));
