/** `ctx.sqlite`, as an author uses it. */
import assert from "node:assert/strict";
import { createOwnSqlite } from "../../../src/sandbox/own_sqlite.ts";
import type { SenseSqlite } from "../../../src/sdk/mod.ts";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { GuardedDatabase } from "../../../src/store/sqlite/guarded_database.ts";
import { judgeOwnSql } from "../../../src/store/sqlite/sql_rules.ts";

function withSqlite(test: (sqlite: SenseSqlite) => void): void {
  using handle = openDatabase(":memory:");
  const sqlite = createOwnSqlite(new GuardedDatabase(handle, judgeOwnSql));
  sqlite.exec("create table words (word text primary key, n integer) strict; insert into words values ('a', 1)");
  test(sqlite);
}

Deno.test("rows come as objects, arrays or bigints, and statements may be kept", () =>
  withSqlite((sqlite) => {
    const one = sqlite.prepare<{ word: string; n: number }>("select * from words where word = ?");
    const arrays = sqlite.prepare<[string, bigint]>("select * from words", { returnArrays: true, readBigInts: true });
    for (let round = 0; round < 2; round++) {
      assert.equal(one.get("a")?.n, 1);
      assert.deepEqual(arrays.all(), [["a", 1n]]);
    }
    assert.equal(one.get("b"), undefined);
    assert.deepEqual(sqlite.prepare("insert into words values (:word, :n)").run({ word: "b", n: 2n }), {
      changes: 1,
      lastInsertRowid: 2,
    });
    assert.deepEqual([...sqlite.prepare("select word from words").iterate()].map(({ word }) => word), ["a", "b"]);
  }));

Deno.test("a transaction returns what its work returns, and is undone when that throws", () =>
  withSqlite((sqlite) => {
    const count = () => sqlite.prepare("select count(*) as n from words").get()?.n;
    const inside = sqlite.transaction(() => {
      sqlite.exec("delete from words");
      return [sqlite.isTransaction, count()];
    });
    assert.deepEqual([inside, sqlite.isTransaction], [[true, 0], false]);
    assert.throws(() => sqlite.transaction(() => (sqlite.exec("insert into words values ('c', 3)"), Object(null).x.y)));
    assert.equal(count(), 0);
    assert.throws(() => sqlite.transaction("work" as never), /takes the function/);
  }));
