/** A compute as one transaction on a full disk: SQLite rolls back by itself, and the next compute begins from there. */
import assert from "node:assert/strict";
import { ComputeTransaction, readOutbox } from "../../../src/store/sqlite/compute_transaction.ts";
import { openDatabase } from "../../../src/store/sqlite/database.ts";

Deno.test("after a commit that found no space, the next one keeps its entry again", () => {
  const folder = Deno.makeTempDirSync();
  try {
    const db = openDatabase(`${folder}/sense.db`), transaction = new ComputeTransaction(db);
    db.exec("create table notes (text)");
    const pages = Number(db.prepare("pragma page_count").get()?.page_count);
    const write = () => db.prepare("insert into notes values (?)").run("x".repeat(100));
    transaction.begin(true);
    write();
    db.exec(`pragma max_page_count = ${pages}`);
    assert.throws(() => transaction.commit('{"first":1}'), /full/);
    transaction.rollback();
    assert.equal(readOutbox(db), null);
    db.exec(`pragma max_page_count = ${pages + 100}`);
    transaction.begin(true);
    write();
    assert.equal(transaction.commit('{"second":2}'), true);
    assert.equal(readOutbox(db), '{"second":2}');
    assert.equal(db.prepare("select count(*) as n from notes").get()?.n, 1);
    db.close();
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
