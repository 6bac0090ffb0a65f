/** The database of a sense: opened, migrated, and checked without being touched. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { checkMigrations } from "../../../src/store/sqlite/sense_database.ts";
import { openMigrated } from "../../support/sense_database.ts";
import { describe, first, second, withMigrations } from "../../support/migration_bench.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

Deno.test("a sense without migrations still has a database", () =>
  inTempDir(async (root) => {
    const { sqlite, problems } = await openMigrated(join(root, "data", "senses", "a.db"), join(root, "none"));
    sqlite.exec("create table a (n)");
    sqlite.close();
    assert.deepEqual(problems, []);
    await Deno.stat(join(root, "data", "senses", "a.db"));
  }));

Deno.test("after its migrations a sense may begin transactions and attach databases", () =>
  withMigrations(async ({ folder, write }) => {
    write({ [first]: "create table a (n);" });
    const { sqlite } = await openMigrated(":memory:", folder);
    sqlite.exec("begin; insert into a values (1); rollback; attach ':memory:' as other");
    sqlite.close();
  }));

Deno.test("checking a folder of migrations applies it to an empty database and touches no file", () =>
  withMigrations(async ({ folder, write }) => {
    write({ [first]: "create table a (n);", [second]: "create table a (n);" });
    assert.deepEqual((await checkMigrations(folder)).map(describe(folder)), [
      "0002_more.sql:1 migration 0002_more.sql failed: table a already exists",
    ]);
    assert.deepEqual(await checkMigrations(join(folder, "none")), []);
    assert.equal([...Deno.readDirSync(folder)].length, 2);
  }));

Deno.test("two processes that open a sense at the same time apply each migration once", () =>
  withMigrations(async ({ folder, write }) => {
    write({ [first]: "create table a (n);" });
    const path = join(folder, "..", "shared.db");
    const one = await openMigrated(path, folder);
    write({ [second]: "create table b (n);" });
    const two = await openMigrated(path, folder), three = await openMigrated(path, folder);
    assert.deepEqual([one.problems, two.problems, three.problems], [[], [], []]);
    for (const { sqlite } of [one, two, three]) sqlite.close();
  }));
