/** database-query with real files of SQLite and a real PostgreSQL, in its sandbox. */
import assert from "node:assert/strict";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { hasProgram } from "../../support/debian.ts";
import { type Config, QuietSense, valueOf } from "../../support/library.ts";
import { type Form, isLong, long } from "../../support/long_form.ts";
import { findPostgres, PostgresServer } from "../../support/postgres.ts";
import { rowsOf } from "../../support/sense_outcome.ts";

const hasSqlite = await hasProgram("sqlite3", "sqlite3"), postgres = isLong ? await findPostgres() : null;

function sqliteTest(
  name: string,
  test: (file: string, sense: QuietSense) => Promise<void>,
  form: Form = Deno,
): void {
  form.test({
    name,
    ignore: !hasSqlite,
    async fn() {
      const folder = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "nerve db " })), file = `${folder}/a #1%20.db`;
      try {
        const files = ["", "-wal", "-shm"].map((end) => `${file}${end}`);
        await using sense = new QuietSense("database-query", { run: ["sqlite3"], read: files });
        await test(file, sense);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

function fill(file: string, sql: string): void {
  const db = new DatabaseSync(file);
  db.exec(sql);
  db.close();
}

const orders = "create table orders (state text); insert into orders values ('waiting'), ('waiting'), ('done');";
const query = "select count(*) as n from orders where state = 'waiting' -- those; that wait;";

sqliteTest("database-query judges a number, and speaks once when it is right again", async (file, sense) => {
  fill(file, orders);
  assert.deepEqual(await sense.compute({ file, query, max: 2 }), { kind: "null" });
  const over = valueOf(await sense.compute({ file, query, max: 1, workflow: "notify" }));
  assert.deepEqual([over.problems, over.value, over.rows, over.first], [["2 is more than 1"], 2, 1, [{ n: 2 }]]);
  assert.equal(over.workflow.prompt, `${file}: 2 is more than 1`);
  const back = valueOf(await sense.compute({ file, query, max: 2 }));
  assert.deepEqual([back.ok, back.changed], [true, false]);
  assert.deepEqual(await sense.compute({ file, query, max: 2 }), { kind: "null" });
  const none = valueOf(await sense.compute({ file, query: "select state from orders;", min: 1, max_rows: 2 }));
  assert.deepEqual(none.problems, ["the answer does not begin with a number", "3 rows, more than 2"]);
});

sqliteTest("database-query tells that rows have changed, in whatever order they come", async (file, sense) => {
  fill(file, orders);
  const config = (order: string) => ({ file, changes: true, query: `select state from orders ${order}` });
  assert.deepEqual(await sense.compute(config("")), { kind: "null" });
  fill(file, "insert into orders values ('new')");
  const changed = valueOf(await sense.compute(config("")));
  assert.deepEqual([changed.ok, changed.changed, changed.rows], [true, true, 4]);
  fill(file, "delete from orders where state = 'done'; insert into orders values ('done')");
  assert.deepEqual(await sense.compute(config("")), { kind: "null" }, "the same rows in another order");
  assert.deepEqual(await sense.compute({ file, query: "select * from orders where 0", changes: true }), {
    kind: "null",
  });
}, long);

sqliteTest(
  "database-query reads a file in WAL mode, open elsewhere or not, and writes nothing",
  async (file, sense) => {
    fill(file, `pragma journal_mode = wal; ${orders}`);
    assert.equal(valueOf(await sense.compute({ file, query, always: true })).value, 2, "nobody has it open");
    assert.deepEqual([...Deno.readDirSync(dirname(file))].map(({ name }) => name), ["a #1%20.db"]);
    const writer = new DatabaseSync(file);
    writer.exec("pragma wal_autocheckpoint = 0; insert into orders values ('waiting')");
    assert.equal(valueOf(await sense.compute({ file, query, always: true })).value, 3, "what is in the -wal counts");
    writer.close();
    const write = valueOf(await sense.compute({ file, query: "delete from orders returning state" }));
    assert.match(write.problems[0], /sqlite3 failed/);
    assert.equal(valueOf(await sense.compute({ file, query, always: true })).value, 3);
  },
  long,
);

sqliteTest("database-query says that a file is locked, or is none", async (file, sense) => {
  fill(file, orders);
  {
    const writer = new DatabaseSync(file);
    writer.exec("begin exclusive");
    const locked = valueOf(await sense.compute({ file, query, timeout: "1s" }));
    assert.match(locked.problems[0], /locked.*a writer keeps it/);
    writer.close();
  }
  assert.equal(valueOf(await sense.compute({ file, query })).ok, true);
  Deno.writeTextFileSync(file, "no database".repeat(100));
  assert.match(valueOf(await sense.compute({ file, query })).problems[0], /not a database/);
  Deno.removeSync(file);
  assert.match(valueOf(await sense.compute({ file, query })).problems[0], /No such file|unable to open/);
}, long);

sqliteTest("database-query deletes rows older than keep", async (file, sense) => {
  fill(file, orders);
  await sense.compute({ file, query });
  {
    using db = openDatabase(sense.database);
    db.exec("update answers set ts = ts - 2 * 86400000");
  }
  await sense.compute({ file, query, keep: "1d" });
  assert.equal(rowsOf(sense.database, "select 1 from answers").length, 1);
}, long);

long.test("database-query refuses a password in the address, and other addresses, and shows neither", async () => {
  await using sense = new QuietSense("database-query", { run: ["psql"] });
  const refused = async (config: Config) => {
    const outcome = await sense.compute({ query, ...config });
    assert.equal(outcome.kind, "error");
    assert.doesNotMatch(JSON.stringify(outcome), /secret/);
    return outcome.kind === "error" ? outcome.message : "";
  };
  assert.match(await refused({ url: "postgresql://ada:secret@h/db" }), /must hold no password/);
  assert.match(await refused({ url: "postgresql://ada@h/db?password=secret" }), /must hold no password/);
  assert.match(await refused({ url: "mysql://ada:secret@h/db" }), /must be such as/);
  assert.match(await refused({}), /either file or url/);
  assert.match(await refused({ file: "relative.db" }), /must be absolute/);
});

long.test("database-query fails with NotCapable without its grants", async () => {
  await using sense = new QuietSense("database-query", {});
  for (const config of [{ file: "/srv/shop.db" }, { url: "postgresql://ada@127.0.0.1:1/shop" }]) {
    const outcome = await sense.compute({ query, ...config });
    assert.equal(outcome.kind === "error" && outcome.name, "NotCapable", JSON.stringify(outcome));
  }
});

long.test({
  name: "database-query asks PostgreSQL with a password that it tells nobody, and writes nothing",
  ignore: postgres === null,
  async fn() {
    await using server = await PostgresServer.start(postgres ?? "", "kept secret");
    const config = { url: `postgresql://postgres@127.0.0.1:${server.port}/postgres`, password_env: "SHOP_PASSWORD" };
    const sense = (password: string) => {
      Deno.env.set("SHOP_PASSWORD", password);
      return new QuietSense("database-query", {
        run: ["psql"],
        net: [`127.0.0.1:${server.port}`],
        env: ["SHOP_PASSWORD"],
      });
    };
    try {
      await using right = sense("kept secret");
      const made = "select * from generate_series(1, 3) as n";
      const told = valueOf(await right.compute({ ...config, query: `${made} -- three;`, max_rows: 2, max: 0 }));
      assert.deepEqual(told.problems, ["1 is more than 0", "3 rows, more than 2"]);
      assert.deepEqual([told.database, told.first], [
        `postgresql://127.0.0.1:${server.port}/postgres`,
        [{ n: 1 }, { n: 2 }, { n: 3 }],
      ]);
      assert.equal(valueOf(await right.compute({ ...config, query: "values (true, 'x')", always: true })).value, 1);
      const write = valueOf(await right.compute({ ...config, query: "select nextval('no')" }));
      assert.match(write.problems[0], /psql failed: ERROR/);
      const out = "select 1) as q) as r; commit; create table made (a int); select * from (select * from (select 1";
      const escaped = valueOf(await right.compute({ ...config, query: out, always: true }));
      assert.match(escaped.problems[0], /cannot execute CREATE TABLE in a read-only transaction/);
      const slow = valueOf(await right.compute({ ...config, query: "select pg_sleep(60)", timeout: "1s" }));
      assert.match(slow.problems[0], /no answer in time|statement timeout/);
      await using wrong = sense("wrong secret");
      const refused = valueOf(await wrong.compute({ ...config, query: "select 1" }));
      assert.match(refused.problems[0], /password authentication failed/);
      assert.doesNotMatch(JSON.stringify([told, write, slow, refused]), /secret/);
      assert.doesNotMatch(JSON.stringify(rowsOf(right.database, "select * from answers")), /secret/);
    } finally {
      Deno.env.delete("SHOP_PASSWORD");
    }
  },
});
