/** Queries of the log as texts. */
import assert from "node:assert/strict";
import { checkWindow, choosePath, walkPath } from "../../../src/store/log/log_path.ts";
import { StatementCache } from "../../../src/store/sqlite/database.ts";

const statements = new StatementCache({
  prepare() {
    throw new Error("with a type nothing is asked");
  },
});
const bounds = { afterId: undefined, beforeId: undefined, descending: true };

Deno.test("a filter's values are bound, never written into a statement", () => {
  const hostile = "x' or 1=1 --";
  const path = choosePath(statements, true, { refId: hostile, source: hostile, type: hostile, untilMs: 7 });
  const { sql, values } = checkWindow(path, bounds, 9);
  assert.ok(!sql.includes(hostile));
  assert.deepEqual(values, [hostile, 7, hostile, hostile, 9]);
});

Deno.test("a log of an older nerve is read without the index that it lacks", () => {
  const { sql } = walkPath(choosePath(statements, false, { source: "kernel" }), "id", bounds, 1);
  assert.match(sql, /indexed by logs_source where source = \?/);
});
