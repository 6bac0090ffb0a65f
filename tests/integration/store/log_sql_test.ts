/** How SQLite executes the queries of the log. Danger: a query that reads the whole log, in the kernel's own thread. */
import assert from "node:assert/strict";
import type { LogFilter } from "../../../src/protocol/log.ts";
import { buildLogQuery } from "../../../src/store/log/log_sql.ts";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { plan } from "../../support/query_plan.ts";
import { withStore } from "../../support/store_bench.ts";

Deno.test("queries of the log use an index or walk the rows in order of ids", () =>
  withStore(async ({ path }) => {
    using db = openDatabase(path, { readOnly: true });
    const expected: [LogFilter, RegExp][] = [
      [{}, /^SCAN logs$/],
      [{ order: "desc" }, /^SCAN logs$/],
      [{ beforeId: 9, order: "desc" }, /^SEARCH logs USING INTEGER PRIMARY KEY/],
      [{ afterId: 9 }, /^SEARCH logs USING INTEGER PRIMARY KEY/],
      [{ source: "kernel" }, /^SEARCH logs USING INDEX logs_source \(source=\?\)$/],
      [
        { source: "kernel", order: "desc", beforeId: 9 },
        /^SEARCH logs USING INDEX logs_source \(source=\? AND rowid<\?\)$/,
      ],
      [{ type: "run.log" }, /^SEARCH logs USING INDEX logs_type \(type=\?\)$/],
      [{ refId: "a" }, /^SEARCH logs USING INDEX logs_ref \(ref_id=\?\); USE TEMP B-TREE/],
      [{ refId: "a", type: "run.log" }, /^SEARCH logs USING INDEX logs_ref \(ref_id=\? AND type=\?\)$/],
      [{ sinceMs: 1, untilMs: 2 }, /^SEARCH logs USING INDEX logs_ts/],
    ];
    for (const [filter, pattern] of expected) assert.match(plan(db, buildLogQuery(filter).sql), pattern);
    await Promise.resolve();
  }));
