import assert from "node:assert/strict";
import { join } from "node:path";
import { checkMigrations } from "../../../src/store/sqlite/sense_database.ts";
import { openMigrated } from "../../support/sense_database.ts";
import { first, second, withMigrations } from "../../support/migration_bench.ts";

Deno.test("migrations run once each, in order, and are recorded", () =>
  withMigrations(async ({ folder, write, open, tables }) => {
    write({ [second]: "insert into a values (2); create table b (n);", [first]: "create table a (n);" });
    assert.deepEqual([await open(), await open(), await tables()], [[], [], ["a", "b"]]);
    const { sqlite } = await openMigrated(join(folder, "..", "cpu.db"), folder);
    assert.equal(sqlite.prepare("select count(*) as n from a").get()?.n, 1);
    const rows = sqlite.prepare("select name, length(checksum) as digits, applied_at from _migrations").all();
    const at = Date.UTC(2026, 0, 1);
    assert.deepEqual(rows.map((row) => Object.values(row)), [[first, 64, at], [second, 64, at]]);
    sqlite.close();
  }));

Deno.test("an applied migration that was edited or is missing is a problem of that file, and none runs", () =>
  withMigrations(async ({ folder, write, open, tables }) => {
    write({ [first]: "create table a (n);", [second]: "create table b (n);" });
    await open();
    write({ [first]: "create table a (n, m);", "0003_c.sql": "create table c (n);" });
    Deno.removeSync(join(folder, second));
    const problems = await open();
    assert.equal(problems.length, 3);
    assert.match(problems[0] ?? "", /^0003_c\.sql:1 .*gap: number 0002 is missing$/);
    assert.match(problems[1] ?? "", /^0001_readings\.sql:1 .*was edited/);
    assert.match(problems[2] ?? "", /^0002_more\.sql:1 .*is missing/);
    assert.deepEqual(await tables(), ["a", "b"]);
  }));

Deno.test("other files, repeated numbers and gaps are problems, and no migration runs", () =>
  withMigrations(async ({ write, open, tables }) => {
    write({
      [first]: "create table a (n);",
      "0001_twice.sql": "",
      "0004_gap.sql": "",
      "2_bad.sql": "",
      "notes.txt": "",
    });
    const problems = await open();
    assert.deepEqual(problems.map((problem) => problem.slice(0, problem.indexOf(":"))), [
      "2_bad.sql",
      "notes.txt",
      "0001_twice.sql",
      "0004_gap.sql",
    ]);
    assert.deepEqual(await tables(), []);
  }));

Deno.test("a folder may begin at 0000, and files of editors are ignored", () =>
  withMigrations(async ({ folder, write, open, tables }) => {
    Deno.mkdirSync(join(folder, "meta"));
    write({ "0000_a.sql": "create table a (n)", ".0001_b.sql.swp": "x", "0000_a.sql~": "x", "0001_b.sql": "-- later" });
    assert.deepEqual([await open(), await tables()], [[], ["a"]]);
  }));

Deno.test("a failed migration reports its line, leaves no trace, and stops those after it", () =>
  withMigrations(async ({ write, open, tables }) => {
    write({ [first]: "create table a (n);" });
    write({
      [second]: "create table b (n);\n\n-- wrong\ninsert into\n  nowhere values (1);\n",
      "0003_c.sql": "create table c (n);",
    });
    const [problem, ...others] = await open();
    assert.equal(problem, "0002_more.sql:4 migration 0002_more.sql failed: no such table: nowhere");
    assert.deepEqual([others, await tables()], [[], ["a"]]);
    write({ [second]: "create table b (n);" });
    assert.deepEqual([await open(), await tables()], [[], ["a", "b", "c"]]);
  }));

// `commit` would end the transaction around the migration: the statements after it could then be half applied.
Deno.test("a migration cannot leave its transaction or its database", () =>
  withMigrations(async ({ folder, write, open, tables }) => {
    for (
      const bad of ["begin", "COMMIT", "end", "rollback", "savepoint s", "/* */ attach ':memory:' as x", "detach main"]
    ) {
      write({ [first]: `create table a (n);\n${bad};\ncreate table b (n);` });
      const [problem] = await open();
      assert.match(problem ?? "", /^0001_readings\.sql:2 .* a migration must not/, bad);
      assert.deepEqual(await tables(), [], bad);
    }
    write({ [first]: `vacuum into '${folder}/stolen.db'` });
    assert.match((await open())[0] ?? "", /VACUUM|a migration must not/);
    write({ [first]: "create table a (n); create trigger t after insert on a begin select 1; end;" });
    assert.deepEqual([await open(), await tables()], [[], ["a"]]);
  }));

Deno.test("the migrations of the library apply to an empty database", async () => {
  const senses = new URL("../../../senses/", import.meta.url);
  for (const { name } of Deno.readDirSync(senses)) {
    assert.deepEqual(await checkMigrations(new URL(`${name}/migrations`, senses).pathname), [], name);
  }
});
