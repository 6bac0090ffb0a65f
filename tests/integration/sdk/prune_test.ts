/** `prune` on real tables. */
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { prune } from "../../../src/sdk/mod.ts";
import { createDrizzle } from "../../../src/store/sqlite/drizzle.ts";
import { GuardedDatabase } from "../../../src/store/sqlite/guarded_database.ts";
import { judgeOwnSql } from "../../../src/store/sqlite/sql_rules.ts";

const dayMs = 86_400_000;

const milliseconds = sqliteTable("in_milliseconds", { at: integer({ mode: "timestamp_ms" }), note: text() });
const seconds = sqliteTable("in_seconds", { at: integer("taken_at", { mode: "timestamp" }).notNull() });
const numbers = sqliteTable('odd "name"', { at: integer('odd "column"').notNull() });

function withDatabase(test: (db: ReturnType<typeof createDrizzle>) => void): void {
  const sqlite = new DatabaseSync(":memory:");
  try {
    sqlite.exec(`create table in_milliseconds (at integer, note text) strict;
      create table in_seconds (taken_at integer not null) strict;
      create table "odd ""name""" ("odd ""column""" integer not null) strict;`);
    test(createDrizzle(new GuardedDatabase(sqlite, judgeOwnSql)));
  } finally {
    sqlite.close();
  }
}

const daysAgo = (days: number) => new Date(Date.now() - days * dayMs);

Deno.test("prune deletes rows older than the age, returns their number, and keeps rows without a time", () => {
  withDatabase((db) => {
    db.insert(milliseconds).values([1, 9, 11, 40].map((days) => ({ at: daysAgo(days), note: `${days}` }))).run();
    db.insert(milliseconds).values({ at: null, note: "none" }).run();
    assert.equal(prune(db, milliseconds, milliseconds.at, "10d"), 2);
    assert.deepEqual(db.select({ note: milliseconds.note }).from(milliseconds).all().map(({ note }) => note), [
      "1",
      "9",
      "none",
    ]);
    assert.equal(prune(db, milliseconds, milliseconds.at, "10d"), 0);
    assert.equal(prune(db, milliseconds, milliseconds.at, 2 * dayMs), 1);
  });
});

Deno.test("prune works with columns of seconds and of plain milliseconds, whatever their names", () => {
  withDatabase((db) => {
    db.insert(seconds).values([1, 11].map((days) => ({ at: daysAgo(days) }))).run();
    db.insert(numbers).values([1, 11].map((days) => ({ at: daysAgo(days).getTime() }))).run();
    assert.equal(prune(db, seconds, seconds.at, "10d"), 1);
    assert.equal(prune(db, numbers, numbers.at, "10d"), 1);
    assert.equal(db.select().from(seconds).all().length, 1);
    assert.equal(db.select().from(numbers).all().length, 1);
  });
});

Deno.test("prune in a transaction that is rolled back deletes nothing", () => {
  withDatabase((db) => {
    db.insert(seconds).values({ at: daysAgo(11) }).run();
    assert.throws(() =>
      db.transaction((tx) => {
        assert.equal(prune(tx, seconds, seconds.at, "1d"), 1);
        throw new Error("undo");
      }), /undo/);
    assert.equal(db.select().from(seconds).all().length, 1);
  });
});

Deno.test("prune rejects an invalid age, and deletes nothing then", () => {
  withDatabase((db) => {
    db.insert(seconds).values({ at: daysAgo(11) }).run();
    for (const age of ["soon", "", "-1d", -1, Number.NaN, Infinity]) {
      assert.throws(() => prune(db, seconds, seconds.at, age), TypeError, String(age));
    }
    assert.equal(db.select().from(seconds).all().length, 1);
  });
});

Deno.test("prune accepts only time columns of the table", () => {
  withDatabase((db) => {
    // @ts-expect-error -- a text
    assert.equal(prune(db, milliseconds, milliseconds.note, "1d"), 0);
  });
});
