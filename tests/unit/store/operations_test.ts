/** Operations of one transaction. Danger: one that fails undoes those before it. */
import assert from "node:assert/strict";
import { type Operation, runStep, Transaction } from "../../../src/store/commit/operations.ts";
import { openDatabase, StatementCache } from "../../../src/store/sqlite/database.ts";

const insert = (...numbers: number[]): Operation =>
  numbers.map((n) => ({ sql: "insert into numbers values (?)", values: [n] }));
const rename = (from: number, to: number): Operation => [
  { sql: "update numbers set n = ? where n = ?", values: [to, from] },
  ...insert(100 + to),
];

function withTransaction(test: (transaction: Transaction, numbers: () => number[]) => void): void {
  using db = openDatabase(":memory:");
  db.exec("create table logs (id integer primary key) strict");
  db.exec("create table numbers (n integer primary key check (n < 1000)) strict; begin");
  const statements = new StatementCache(db);
  test(
    new Transaction(db, statements),
    () => db.prepare("select n from numbers order by n").all().map(({ n }) => Number(n)),
  );
}

Deno.test("runStep() says how many rows it changed", () => {
  using db = openDatabase(":memory:");
  db.exec("create table numbers (n integer primary key) strict");
  const statements = new StatementCache(db);
  assert.equal(runStep(statements, { sql: "insert into numbers values (?)", values: [1] }), 1);
  assert.equal(runStep(statements, { sql: "delete from numbers where n = ?", values: [2] }), 0);
});

Deno.test("runStep() writes text that reads back whole, and finds it again", () => {
  using db = openDatabase(":memory:");
  db.exec("create table texts (t text primary key) strict");
  const statements = new StatementCache(db), texts = ["a\0b", "\0", "a\ud800\0", "plain"];
  for (const text of texts) runStep(statements, { sql: "insert into texts values (?)", values: [text] });
  const read = db.prepare("select t from texts order by rowid").all().map(({ t }) => t as string);
  assert.deepEqual(read, ["a\ufffdb", "\ufffd", "a\ufffd\ufffd", "plain"]);
  for (const values of [read, texts].map((each) => each.slice(0, 2))) {
    for (const text of values) {
      assert.equal(runStep(statements, { sql: "update texts set t = t where t = ?", values: [text] }), 1);
    }
  }
});

Deno.test("when the first step changes nothing the others are skipped, which is not a failure", () =>
  withTransaction((transaction, numbers) => {
    assert.equal(transaction.perform(rename(1, 2)), false);
    assert.deepEqual(numbers(), []);
    assert.equal(transaction.perform(insert(1)), true);
    assert.equal(transaction.perform(rename(1, 2)), true);
    assert.deepEqual(numbers(), [2, 102]);
  }));

Deno.test("an operation that fails in the middle changes nothing, and earlier operations stay", () =>
  withTransaction((transaction, numbers) => {
    transaction.perform(insert(1));
    transaction.perform(insert(2));
    for (const wrong of [insert(5, 6, 1), insert(1), insert(7, 1000)]) {
      assert.throws(() => transaction.perform(wrong), /constraint/i);
      assert.deepEqual(numbers(), [1, 2]);
    }
    transaction.perform(insert(3));
    assert.deepEqual(numbers(), [1, 2, 3]);
  }));
