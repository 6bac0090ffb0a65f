/** A database without its handle: what runs, what is refused, and that nothing of SQLite's own objects comes out. */
import assert from "node:assert/strict";
import type { DatabaseSync } from "node:sqlite";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { execAsNerve, GuardedDatabase } from "../../../src/store/sqlite/guarded_database.ts";
import { judgeOwnSql, judgeReading } from "../../../src/store/sqlite/sql_rules.ts";
import { arrayRows, objectRows } from "../../../src/store/sqlite/sql_source.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

function withDatabase(
  test: (database: GuardedDatabase, handle: DatabaseSync, folder: string) => void,
  judge = judgeOwnSql,
): Promise<void> {
  return inTempDir((folder) => {
    using handle = openDatabase(`${folder}/own.db`);
    handle.exec("create table t (id integer primary key, word text) strict; insert into t (word) values ('a'), ('b')");
    test(new GuardedDatabase(handle, judge), handle, folder);
    return Promise.resolve();
  });
}

Deno.test("statements run with positional and named values, as objects, arrays and bigints", () =>
  withDatabase((database) => {
    const sql = "select id, word from t where word = :word or id = ?2";
    assert.deepEqual({ ...database.get(sql, [{ word: "b" }], objectRows) as object }, { id: 2, word: "b" });
    assert.deepEqual(database.all("select id from t where id > ?", [1], arrayRows), [[2]]);
    assert.deepEqual(database.get("select id from t", [], { arrays: true, bigints: true }), [1n]);
    assert.equal(database.get("select id from t where id = ?", [9], objectRows), undefined);
    assert.equal(database.run("insert into t (word) values (?)", ["c"], objectRows).changes, 1);
    assert.deepEqual([...database.iterate("select word from t", [], arrayRows)], [["a"], ["b"], ["c"]]);
    database.exec("delete from t where id = 3; insert into t (word) values ('d')");
    assert.deepEqual(database.all("select count(*) from t", [], arrayRows), [[3]]);
  }));

Deno.test("only one statement of text is prepared, and what is none is an error", () =>
  withDatabase((database) => {
    for (const blank of ["", " ", "-- nothing", "/* nothing", ";"]) {
      assert.throws(() => database.check(blank), /there is no statement/, JSON.stringify(blank));
    }
    assert.throws(() => database.check("select 1; drop table t"), /more than one statement/);
    assert.throws(() => database.check("selec 1"), /syntax error/);
    const tricky = { [Symbol.toPrimitive]: () => "select 1" };
    assert.throws(() => database.check(tricky as unknown as string), /SQL is text/);
    database.check("select 1 -- one;");
  }));

Deno.test("a value that SQLite cannot store is an error, and no code of the user runs while values are bound", () =>
  withDatabase((database) => {
    const insert = (...values: unknown[]) => database.run("insert into t (word) values (:word)", values, objectRows);
    for (const value of [undefined, true, Symbol("s"), () => 1, new Date(0), [1], new ArrayBuffer(1)]) {
      assert.throws(() => insert(value), TypeError, typeof value);
      assert.throws(() => insert({ word: value }), TypeError, typeof value);
    }
    assert.throws(() => insert({ "word\0": 1 }), TypeError);
    let reads = 0;
    insert({
      get word() {
        reads++;
        database.exec("create table if not exists made_meanwhile (x)");
        return "read first";
      },
    });
    assert.equal(reads, 1);
    assert.deepEqual(database.get("select word from t where id = 3", [], arrayRows), ["read first"]);
  }));

Deno.test("rows that are read one by one end with an error that lies between them, and with endRows", () =>
  withDatabase((database) => {
    database.exec("create table j (x text); insert into j values ('{}'), ('bad'), ('{}')");
    // The bug would be: two of three rows are missing, and nobody hears of it.
    assert.throws(() => [...database.iterate("select json(x) from j", [], arrayRows)], /malformed JSON/);
    const rows = database.iterate("select id from t;", [], arrayRows),
      early = database.iterate("select 1", [], arrayRows);
    assert.deepEqual(rows.next().value, [1]);
    assert.deepEqual(early.return?.(), { done: true, value: undefined });
    database.endRows();
    assert.throws(() => rows.next(), /has ended/);
    assert.equal(early.next().done, true);
    const added = database.iterate("insert into t (word) values ('x') returning word", [], arrayRows);
    assert.deepEqual([...added], [["x"]]);
    assert.throws(
      () => database.iterate("insert into t (id) values (1) returning id", [], arrayRows).next(),
      /UNIQUE constraint/,
    );
    const endless = database.iterate(
      "with recursive n(x) as (select 1 union all select x + 1 from n) select x from n",
      [],
      arrayRows,
    );
    assert.deepEqual([endless.next().value, endless.next().value], [[1], [2]]);
    database.endRows();
  }));

Deno.test("a transaction is kept or undone as a whole, nests, and refuses a promise", () =>
  withDatabase((database, handle) => {
    const count = () => (database.get("select count(*) from t", [], arrayRows) as number[])[0];
    assert.equal(database.transaction("immediate", () => (database.exec("insert into t (id) values (7)"), count())), 3);
    assert.throws(() =>
      database.transaction("deferred", () => {
        database.exec("insert into t (id) values (8)");
        throw new Error("no");
      }), /no/);
    database.exec("begin");
    assert.throws(() => database.transaction("immediate", () => Promise.reject(new Error("lost"))), /synchronous/);
    assert.equal(database.isTransaction, true);
    database.exec("commit");
    assert.equal(count(), 3);
    assert.equal(handle.isTransaction, false);
  }));

/** Each is refused for a sense's own database. */
const closedPragmas = [
  ...["journal_mode = delete", "main.journal_mode(off)", "locking_mode = exclusive", "wal_checkpoint", "mmap_size = 1"],
  ...["wal_checkpoint(truncate)", "busy_timeout = 1", "wal_autocheckpoint = 0", "temp_store_directory = '/tmp'"],
  ...[
    "data_store_directory = '/tmp'",
    "synchronous = off",
    "writable_schema = 1",
    "trusted_schema = 1",
    "temp_store=1",
  ],
  ...["query_only = 1", "schema_version = 9", "journal_size_limit = 1", "hard_heap_limit = 1", "soft_heap_limit = 1"],
  ...["threads = 8", "read_uncommitted = 1", "full_column_names = 1", "locking_mode", "unheard_of", "MMAP_SIZE = 1"],
  ...["page_size = 512", "cell_size_check = 1", "ignore_check_constraints = 1", "count_changes = 1", "lock_status"],
];
const closed = [
  ...["attach 'x.db' as x", "detach x", "vacuum", "vacuum into 'x.db'"],
  ...["select fts3_tokenizer(?)", "select FTS3_TOKENIZER('simple')", "select load_extension('x')"],
  ...["create virtual table v using dbstat", "create virtual table v using unheard_of"],
  ...closedPragmas.map((pragma) => `pragma ${pragma}`),
];

Deno.test("what places, locks, checkpoints, waits, journals, attaches or loads is refused, also by exec and in a transaction", () =>
  withDatabase((database, _, folder) => {
    for (const sql of closed) {
      for (const run of [() => database.all(sql, [], objectRows), () => database.exec(sql)]) {
        assert.throws(run, /^NotCapable: not authorized: /, sql);
      }
      assert.throws(() => database.exec(`begin; ${sql}`), /not authorized: |within a transaction/, sql);
      if (database.isTransaction) database.exec("rollback");
    }
    assert.throws(() => database.all("select * from pragma_journal_mode('delete')", [], arrayRows));
    assert.throws(() => database.all("vacuum into ?", ["x.db"], arrayRows), /not authorized: attach/);
    database.exec("create view hidden as select fts3_tokenizer('simple') as p");
    assert.throws(() => database.all("select * from hidden", [], arrayRows), /not authorized|unsafe use/);
    assert.deepEqual(database.get("pragma journal_mode", [], arrayRows), ["wal"]);
    const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
    assert.deepEqual(names, ["own.db", "own.db-shm", "own.db-wal"]);
  }));

Deno.test("a statement that was prepared earlier is judged again when its tables have changed", () =>
  withDatabase((database) => {
    const sql = "select * from t";
    assert.equal(database.all(sql, [], arrayRows).length, 2);
    database.exec("alter table t add n integer");
    assert.deepEqual(database.all(sql, [], arrayRows), [[1, "a", null], [2, "b", null]]);
    database.exec("drop table t");
    assert.throws(() => database.all(sql, [], arrayRows), /no such table/);
  }));

Deno.test("what authors need of SQLite works: indexes, triggers, views, search, trees, JSON, harmless pragmas", () =>
  withDatabase((database) => {
    database.exec(`
      create index by_word on t (word);
      create view words as select word from t;
      create trigger loud after insert on t begin update t set word = upper(new.word) where id = new.id; end;
      create temp table aside as select * from t;
      create virtual table f5 using fts5(body); insert into f5 values ('running runner'); insert into f5(f5) values ('optimize');
      create virtual table f4 using fts4(body, tokenize=porter); insert into f4 values ('running runner');
      create virtual table r using rtree(id, a, b); insert into r values (1, 0, 1);
      alter table t rename column word to text; alter table t add extra text; alter table t drop column extra;
      pragma optimize; pragma user_version = 3; pragma foreign_keys = off; analyze; reindex;
      savepoint s; release s; drop view words; drop table r; drop table f4`);
    assert.deepEqual(database.all("select body from f5 where f5 match 'runner'", [], arrayRows).length, 1);
    assert.deepEqual(database.get("select json_extract('{\"a\":[1]}', '$.a[0]')", [], arrayRows), [1]);
    assert.deepEqual(database.get("select name from pragma_table_info('t') where pk = 1", [], arrayRows), ["id"]);
    for (const pragma of ["quick_check", "table_list", "page_count", "user_version", "compile_options"]) {
      assert.ok(database.all(`pragma ${pragma}`, [], arrayRows).length > 0, pragma);
    }
  }));

Deno.test("who reads a database does nothing else to it", () =>
  withDatabase((database, handle) => {
    assert.deepEqual(database.all("select word from t union select upper(word) from t", [], arrayRows).length, 4);
    assert.deepEqual(database.get("pragma user_version", [], arrayRows), [0]);
    const more = [
      "begin",
      "savepoint s",
      "delete from t",
      "create temp table x (y)",
      "pragma user_version = 1",
      "commit",
    ];
    for (const sql of [...closed, ...more, "pragma optimize", "pragma incremental_vacuum"]) {
      assert.throws(() => database.exec(sql), /not authorized: /, sql);
    }
    assert.equal(handle.isTransaction, false);
  }, judgeReading));

Deno.test("nerve's own statements are judged by nobody, and what follows them is", () =>
  withDatabase((database) => {
    execAsNerve(database, "pragma busy_timeout = 5; pragma wal_checkpoint(truncate)");
    assert.throws(() => execAsNerve(database, "nonsense"), /syntax error/);
    assert.throws(() => database.exec("pragma wal_checkpoint"), /not authorized/);
  }));
