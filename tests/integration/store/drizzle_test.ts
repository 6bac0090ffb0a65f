import { eq, gt, sql } from "drizzle-orm";
import { blob, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { DatabaseSync } from "node:sqlite";
import type { SenseDatabase } from "../../../src/sdk/sense.ts";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { createDrizzle } from "../../../src/store/sqlite/drizzle.ts";
import { GuardedDatabase } from "../../../src/store/sqlite/guarded_database.ts";
import { judgeOwnSql } from "../../../src/store/sqlite/sql_rules.ts";

const hosts = sqliteTable("hosts", { id: integer().primaryKey(), name: text().notNull().unique() });
const checks = sqliteTable("checks", {
  id: integer().primaryKey(),
  host: integer().notNull().references(() => hosts.id),
  ok: integer({ mode: "boolean" }).notNull(),
  ts: integer({ mode: "timestamp_ms" }).notNull(),
  tags: text({ mode: "json" }).$type<string[]>().notNull(),
  body: blob({ mode: "buffer" }),
});

function open(): { sqlite: DatabaseSync; db: SenseDatabase; [Symbol.dispose](): void } {
  const sqlite = openDatabase(":memory:");
  sqlite.exec(`create table hosts (id integer primary key, name text not null unique) strict;
    create table checks (id integer primary key, host integer not null references hosts (id), ok integer not null,
      ts integer not null, tags text not null, body blob) strict`);
  return {
    sqlite,
    db: createDrizzle(new GuardedDatabase(sqlite, judgeOwnSql)),
    [Symbol.dispose]: () => sqlite.close(),
  };
}

Deno.test("rows are inserted, returned, selected and joined with the types of their columns", () => {
  using opened = open();
  const { db } = opened, ts = new Date(1_700_000_000_123), body = Buffer.from([0, 1, 255]);
  const [host] = db.insert(hosts).values([{ name: "a" }, { name: "b" }]).returning().all();
  assert.deepEqual(host, { id: 1, name: "a" });
  const { changes } = db.insert(checks).values({ host: 1, ok: true, ts, tags: ["x", "é"], body }).run() as {
    changes: number;
  };
  assert.equal(changes, 1);
  const row = db.select().from(checks).where(eq(checks.host, 1)).get();
  assert.deepEqual(row, { id: 1, host: 1, ok: true, ts, tags: ["x", "é"], body });
  const joined = db.select({ name: hosts.name, ok: checks.ok }).from(hosts).leftJoin(checks, eq(checks.host, hosts.id))
    .orderBy(hosts.name).all();
  assert.deepEqual(joined, [{ name: "a", ok: true }, { name: "b", ok: null }]);
  assert.equal(db.select().from(hosts).where(eq(hosts.name, "none")).get(), undefined);
});

Deno.test("rows are updated, deleted, upserted and counted", () => {
  using opened = open();
  const { db } = opened;
  db.insert(hosts).values([{ name: "a" }, { name: "b" }, { name: "c" }]).run();
  db.update(hosts).set({ name: "z" }).where(eq(hosts.id, 1)).run();
  db.delete(hosts).where(gt(hosts.id, 2)).run();
  const again = db.insert(hosts).values({ id: 2, name: "again" })
    .onConflictDoUpdate({ target: hosts.id, set: { name: sql`excluded.name` } }).returning().get();
  assert.deepEqual(again, { id: 2, name: "again" });
  db.insert(hosts).values({ name: "again" }).onConflictDoNothing().run();
  assert.deepEqual(db.select({ name: hosts.name }).from(hosts).all(), [{ name: "z" }, { name: "again" }]);
  assert.equal(db.get<{ n: number }>(sql`select count(*) as n from hosts`).n, 2);
});

Deno.test("a prepared query runs again and again with other values, as objects and as arrays", () => {
  using opened = open();
  const { db } = opened;
  db.insert(hosts).values([{ name: "a" }, { name: "b" }]).run();
  const byId = db.select().from(hosts).where(eq(hosts.id, sql.placeholder("id"))).prepare();
  assert.deepEqual([1, 2, 1].map((id) => byId.get({ id })?.name), ["a", "b", "a"]);
  assert.deepEqual(byId.values({ id: 2 }), [[2, "b"]]);
  assert.equal(byId.get({ id: 1 })?.name, "a");
});

Deno.test("a transaction that throws is rolled back as a whole, a nested one alone", () => {
  using opened = open();
  const { db } = opened, names = () => db.select().from(hosts).all().map(({ name }) => name);
  assert.throws(() =>
    db.transaction((tx) => {
      tx.insert(hosts).values({ name: "a" }).run();
      throw new Error("no");
    }), /no/);
  assert.deepEqual(names(), []);
  const result = db.transaction((tx) => {
    tx.insert(hosts).values({ name: "kept" }).run();
    assert.throws(() =>
      tx.transaction((inner) => {
        inner.insert(hosts).values({ name: "inner" }).run();
        throw new Error("inner no");
      }), /inner no/);
    return "done";
  }, { behavior: "immediate" });
  assert.equal(result, "done");
  assert.deepEqual(names(), ["kept"]);
});

// The bug would be: its statements run after the commit, outside of any transaction, and nothing reports it.
Deno.test("a transaction with an async callback is rejected and rolled back", () => {
  using opened = open();
  const { db, sqlite } = opened;
  assert.throws(() =>
    db.transaction((tx) => {
      tx.insert(hosts).values({ name: "a" }).run();
      return Promise.reject(new Error("nobody hears this"));
    }), /must be synchronous/);
  assert.equal(sqlite.isTransaction, false);
  assert.deepEqual(db.select().from(hosts).all(), []);
});

Deno.test("a violated constraint is reported with SQLite's message", () => {
  using opened = open();
  const { db } = opened;
  db.insert(hosts).values({ name: "a" }).run();
  const cause = (work: () => unknown) => {
    try {
      work();
    } catch (thrown) {
      const error = thrown as Error;
      return `${error.message} ${(error.cause as Error | undefined)?.message}`;
    }
    return "nothing was thrown";
  };
  assert.match(cause(() => db.insert(hosts).values({ name: "a" }).run()), /UNIQUE constraint failed/);
  const orphan = { host: 9, ok: false, ts: new Date(0), tags: [] };
  assert.match(cause(() => db.insert(checks).values(orphan).run()), /FOREIGN KEY constraint failed/);
});

// node:sqlite alone would silently bind NULL.
Deno.test("a value that SQLite cannot store is rejected, not stored as null", () => {
  using opened = open();
  const { db } = opened;
  assert.throws(() => db.all(sql`select ${new Date(0)} as ts`), TypeError);
  assert.throws(() => db.all(sql`select ${{ a: 1 }} as a`), TypeError);
});
