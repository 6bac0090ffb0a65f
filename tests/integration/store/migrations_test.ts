import assert from "node:assert/strict";
import { join } from "node:path";
import { checkMigrations, type OpenedSense, openSenseDatabase } from "../../../src/store/sqlite/sense_database.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

const first = "0001_readings.sql", second = "0002_more.sql";

interface Bench {
  readonly folder: string;
  write(files: Readonly<Record<string, string>>): void;
  /** Opens and closes; the problems as `file:line message`. */
  open(): Promise<string[]>;
  tables(): Promise<string[]>;
}

function bench(test: (bench: Bench) => Promise<void>): Promise<void> {
  return inTempDir(async (root) => {
    const folder = join(root, "migrations"), path = join(root, "cpu.db");
    await Deno.mkdir(folder);
    const opened = async <T>(use: (sense: OpenedSense) => T): Promise<T> => {
      const sense = await openSenseDatabase(path, folder, new FakeClock());
      try {
        return use(sense);
      } finally {
        sense.sqlite.close();
      }
    };
    await test({
      folder,
      write: (files) => {
        for (const [name, text] of Object.entries(files)) Deno.writeTextFileSync(join(folder, name), text);
      },
      open: () => opened(({ problems }) => problems.map(describe(folder))),
      tables: () =>
        opened(({ sqlite }) =>
          sqlite.prepare("select name from sqlite_schema where type = 'table' order by rowid").all()
            .map(({ name }) => String(name)).filter((name) => name !== "_migrations")
        ),
    });
  });
}

function describe(folder: string): (problem: OpenedSense["problems"][number]) => string {
  return ({ message, place }) => `${place?.file.replace(`${folder}/`, "")}:${place?.line} ${message}`;
}

Deno.test("migrations run once each, in order, and are recorded", () =>
  bench(async ({ folder, write, open, tables }) => {
    write({ [second]: "insert into a values (2); create table b (n);", [first]: "create table a (n);" });
    assert.deepEqual([await open(), await open(), await tables()], [[], [], ["a", "b"]]);
    const { sqlite } = await openSenseDatabase(join(folder, "..", "cpu.db"), folder);
    assert.equal(sqlite.prepare("select count(*) as n from a").get()?.n, 1);
    const rows = sqlite.prepare("select name, length(checksum) as digits, applied_at from _migrations").all();
    const at = Date.UTC(2026, 0, 1);
    assert.deepEqual(rows.map((row) => Object.values(row)), [[first, 64, at], [second, 64, at]]);
    sqlite.close();
  }));

Deno.test("a sense without a folder of migrations has a database nonetheless", () =>
  inTempDir(async (root) => {
    const { sqlite, problems } = await openSenseDatabase(join(root, "data", "senses", "a.db"), join(root, "none"));
    sqlite.exec("create table a (n)");
    sqlite.close();
    assert.deepEqual(problems, []);
    await Deno.stat(join(root, "data", "senses", "a.db"));
  }));

Deno.test("an applied migration that was edited, or is missing, is a problem of that file, and nothing runs", () =>
  bench(async ({ folder, write, open, tables }) => {
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

Deno.test("files that are no migrations, numbers that come twice and gaps are problems; nothing runs", () =>
  bench(async ({ write, open, tables }) => {
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

Deno.test("a folder may begin at 0000, and what editors leave behind is no migration", () =>
  bench(async ({ folder, write, open, tables }) => {
    Deno.mkdirSync(join(folder, "meta"));
    write({ "0000_a.sql": "create table a (n)", ".0001_b.sql.swp": "x", "0000_a.sql~": "x", "0001_b.sql": "-- later" });
    assert.deepEqual([await open(), await tables()], [[], ["a"]]);
  }));

Deno.test("a migration that fails says where, leaves no trace, and stops those after it", () =>
  bench(async ({ write, open, tables }) => {
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

// `commit` would end the transaction around the migration: what follows it could then be half applied.
Deno.test("a migration cannot leave its transaction nor its database", () =>
  bench(async ({ folder, write, open, tables }) => {
    for (
      const bad of ["begin", "COMMIT", "end", "rollback", "savepoint s", "/* */ attach ':memory:' as x", "detach main"]
    ) {
      write({ [first]: `create table a (n);\n${bad};\ncreate table b (n);` });
      const [problem] = await open();
      assert.match(problem ?? "", /^0001_readings\.sql:2 .* not for migrations/, bad);
      assert.deepEqual(await tables(), [], bad);
    }
    write({ [first]: `vacuum into '${folder}/stolen.db'` });
    assert.match((await open())[0] ?? "", /VACUUM|not for migrations/);
    write({ [first]: "create table a (n); create trigger t after insert on a begin select 1; end;" });
    assert.deepEqual([await open(), await tables()], [[], ["a"]]);
  }));

Deno.test("after its migrations a sense may begin transactions and attach as it likes", () =>
  bench(async ({ folder, write }) => {
    write({ [first]: "create table a (n);" });
    const { sqlite } = await openSenseDatabase(":memory:", folder);
    sqlite.exec("begin; insert into a values (1); rollback; attach ':memory:' as other");
    sqlite.close();
  }));

Deno.test("checking a folder applies it to an empty database and touches no file", () =>
  bench(async ({ folder, write }) => {
    write({ [first]: "create table a (n);", [second]: "create table a (n);" });
    assert.deepEqual((await checkMigrations(folder)).map(describe(folder)), [
      "0002_more.sql:1 migration 0002_more.sql failed: table a already exists",
    ]);
    assert.deepEqual(await checkMigrations(join(folder, "none")), []);
    assert.equal([...Deno.readDirSync(folder)].length, 2);
  }));

Deno.test("the migrations of the library apply to an empty database", async () => {
  const senses = new URL("../../../senses/", import.meta.url);
  for (const { name } of Deno.readDirSync(senses)) {
    assert.deepEqual(await checkMigrations(new URL(`${name}/migrations`, senses).pathname), [], name);
  }
});

Deno.test("two processes that open a sense at the same time apply each migration once", () =>
  bench(async ({ folder, write }) => {
    write({ [first]: "create table a (n);" });
    const path = join(folder, "..", "shared.db");
    const one = await openSenseDatabase(path, folder);
    write({ [second]: "create table b (n);" });
    const two = await openSenseDatabase(path, folder), three = await openSenseDatabase(path, folder);
    assert.deepEqual([one.problems, two.problems, three.problems], [[], [], []]);
    for (const { sqlite } of [one, two, three]) sqlite.close();
  }));
