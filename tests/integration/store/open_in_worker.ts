/** A worker of database_test.ts: opens the given database, writes to it, and answers with a number or an error. */
import { openDatabase } from "../../../src/store/sqlite/database.ts";

/** The type check treats this file as a module of the main thread. */
const worker = globalThis as unknown as { postMessage(answer: string): void };

globalThis.addEventListener("message", (event) => {
  const { data } = event as MessageEvent<string>;
  let answer: string;
  try {
    using db = openDatabase(data);
    db.exec("create table a (n); insert into a values (1)");
    answer = String(db.prepare("select count(*) as n from a").get()?.n);
  } catch (thrown) {
    answer = String(thrown);
  }
  worker.postMessage(answer);
});
