/** The index of a log that an older nerve has written: built at the next start, unless that would take long. */
import assert from "node:assert/strict";
import { findMissingIndexes, hasLogIndexes, prepareLogIndexes } from "../../../src/store/log/log_indexes.ts";
import { StoreReader } from "../../../src/store/log/reader.ts";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { newRow, withStore } from "../../support/store_bench.ts";

/** As an older nerve had it. */
function makeOld(path: string): void {
  using db = openDatabase(path);
  db.exec("drop index logs_source_type; create index logs_source on logs (source)");
}

Deno.test("a log without the index is read as one with it, and gets it when it is opened to be written", () =>
  withStore(async (bench) => {
    const { store, path } = bench;
    for (let n = 0; n < 50; n++) {
      store.log.append(
        newRow({ source: n % 2 === 0 ? "kernel" : "sense:cpu", type: n % 3 === 0 ? "sense.null" : "sense.log" }),
      );
    }
    await store.log.durable();
    const filters = [{ source: "kernel" }, { source: "kernel", type: "sense.null" }, {
      type: "sense.null",
      untilMs: 1,
    }];
    const read = () => {
      const reader = StoreReader.open(path) ?? assert.fail();
      try {
        return filters.flatMap((filter) => [
          reader.logs({ ...filter, order: "desc", limit: 4 }),
          reader.logs({ ...filter, afterId: 9, beforeId: 30 }),
        ]);
      } finally {
        reader.close();
      }
    };
    const before = read();
    makeOld(path);
    assert.deepEqual(read(), before);
    await bench.reopen();
    using db = openDatabase(path);
    assert.equal(hasLogIndexes(db), true);
    assert.equal(db.prepare("select 1 from sqlite_schema where name = 'logs_source'").get(), undefined);
    assert.deepEqual(read(), before);
  }));

Deno.test("a log that is too large for a start is left without, and a vacuum builds it", () =>
  withStore(async ({ store, path }) => {
    for (let n = 0; n < 50; n++) store.log.append(newRow());
    await store.log.durable();
    makeOld(path);
    using db = openDatabase(path);
    prepareLogIndexes(db, 49);
    assert.equal(hasLogIndexes(db), false);
    store.vacuum();
    assert.equal(hasLogIndexes(db), true);
  }));

Deno.test("a start is told of when it has to build the index of many rows, whatever gaps the ids have", () =>
  withStore(async ({ store, path }) => {
    store.log.append(newRow());
    await store.log.durable();
    makeOld(path);
    using db = openDatabase(path);
    db.exec("insert into logs select 1000000000, ts, source, type, ref_id, cause_id, payload from logs");
    assert.equal(findMissingIndexes(path), null);
    db.exec(
      "insert into logs with recursive n (id) as (select 1000000001 union all select id + 1 from n where id < 1000200000)" +
        " select id, 1, 'kernel', 'kernel.started', null, null, 'null' from n",
    );
    const { rows, atStart } = findMissingIndexes(path) ?? assert.fail();
    assert.deepEqual([rows > 200_000, rows < 1_000_000, atStart], [true, true, true]);
    assert.equal(findMissingIndexes(`${path}.none`), null);
  }));
