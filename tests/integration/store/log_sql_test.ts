/** Rows of the log, as they are in a table. */
import assert from "node:assert/strict";
import { logColumns, logLine, toLogRow } from "../../../src/store/log/log_sql.ts";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { newRow, withStore } from "../../support/store_bench.ts";

Deno.test("a row's columns and its line of the archive give the same row", () =>
  withStore(async ({ store, path }) => {
    const row = store.log.append(newRow({ causeId: 1, payload: { text: 'a "quoted"\nline \u2028' } }));
    await store.log.durable();
    using db = openDatabase(path, { readOnly: true });
    const statement = db.prepare(`select ${logColumns} from logs`);
    statement.setReturnArrays(true);
    assert.deepEqual(toLogRow(statement.get()), row);
    assert.deepEqual(JSON.parse(String(db.prepare(`select ${logLine} as line from logs`).get()?.line)), row);
  }));
