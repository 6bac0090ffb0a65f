/** How SQLite executes the queries of single runs. */
import assert from "node:assert/strict";
import { readLastFailure, readRun } from "../../../src/store/runs/run_sql.ts";
import { SqliteRunStore } from "../../../src/store/runs/run_store.ts";
import { openDatabase, StatementCache } from "../../../src/store/sqlite/database.ts";
import { plan } from "../../support/query_plan.ts";
import { newRun, runRow, withStore } from "../../support/store_bench.ts";

Deno.test("a run is found by its id, unfinished ones by their status, a failure by the run", () =>
  withStore(async ({ store, path }) => {
    await store.runs.create(newRun("a"), runRow("a"));
    using db = openDatabase(path, { readOnly: true });
    const queries: string[] = [];
    const statements = new StatementCache({ prepare: (sql: string) => (queries.push(sql), db.prepare(sql)) });
    const planOf = (query: () => unknown) => {
      queries.length = 0;
      query();
      return queries.map((sql) => plan(db, sql)).join("; ");
    };
    assert.match(planOf(() => readRun(statements, "a")), /^SEARCH .* \(run_id=\?\)$/);
    assert.match(
      planOf(() => readLastFailure(statements, "a")),
      /^SEARCH .* logs_ref \(ref_id=\? AND type=\?\);.*logs_ref \(ref_id=\? AND type=\? AND rowid>\?\)$/,
    );
    const runs = Reflect.construct(SqliteRunStore, [statements, null, null]) as SqliteRunStore;
    assert.match(planOf(() => runs.listUnfinished()), /^SEARCH workflow_runs USING INDEX workflow_runs_status/);
  }));
