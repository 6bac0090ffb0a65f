/** Queries of the log, on a real table. */
import assert from "node:assert/strict";
import type { LogFilter } from "../../../src/protocol/log.ts";
import { buildLogQuery, defaultLogLimit, toLogRow } from "../../../src/store/log/log_sql.ts";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { newRow, withStore } from "../../support/store_bench.ts";

Deno.test("every field of a filter narrows, and all bounds but the first moment are exclusive", () =>
  withStore(async ({ store, path, clock }) => {
    const start = clock.now();
    for (let n = 0; n < 6; n++) {
      const sense = n % 2 === 0 ? "cpu" : "disk";
      store.log.append(newRow({ source: `sense:${sense}`, refId: sense, type: n < 3 ? "sense.null" : "sense.signal" }));
      await clock.tick(10);
    }
    await store.log.durable();
    using db = openDatabase(path, { readOnly: true });
    const ids = (filter: LogFilter) => {
      const { sql, values } = buildLogQuery(filter), statement = db.prepare(sql);
      statement.setReturnArrays(true);
      return statement.all(...values).map((row) => toLogRow(row).id);
    };
    assert.deepEqual(ids({}), [1, 2, 3, 4, 5, 6]);
    assert.deepEqual(ids({ order: "desc", limit: 2 }), [6, 5]);
    assert.deepEqual(ids({ source: "sense:cpu", type: "sense.null" }), [1, 3]);
    assert.deepEqual(ids({ refId: "disk", afterId: 2, beforeId: 6 }), [4]);
    assert.deepEqual(ids({ sinceMs: start + 10, untilMs: start + 30 }), [2, 3]);
  }));

Deno.test("a filter's values are bound, never written into the statement, and the limit has a default", () => {
  const hostile = "x' or 1=1 --";
  const { sql, values } = buildLogQuery({ source: hostile });
  assert.ok(!sql.includes(hostile));
  assert.deepEqual(values, [hostile, defaultLogLimit]);
});
