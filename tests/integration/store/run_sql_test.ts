/** How SQLite executes the queries of runs. */
import assert from "node:assert/strict";
import { readMessages, readRun, readRuns } from "../../../src/store/runs/run_sql.ts";
import { SqliteRunStore } from "../../../src/store/runs/run_store.ts";
import { openDatabase, StatementCache } from "../../../src/store/sqlite/database.ts";
import { plan } from "../../support/query_plan.ts";
import { newRun, runRow, withStore } from "../../support/store_bench.ts";

Deno.test("queries of runs and messages use an index and sort only unfinished runs", () =>
  withStore(async ({ store, path }) => {
    await store.runs.create(newRun("a"), runRow("a"));
    using db = openDatabase(path, { readOnly: true });
    const queries: string[] = [];
    const statements = new StatementCache({ prepare: (sql: string) => (queries.push(sql), db.prepare(sql)) });
    const planOf = (query: () => unknown) => {
      queries.length = 0;
      query();
      return queries.map((sql) => plan(db, sql));
    };
    assert.match(planOf(() => readRun(statements, "a"))[0] ?? "", /^SEARCH .* \(run_id=\?\)$/);
    const messages = /^SEARCH logs USING INDEX logs_ref \(ref_id=\? AND type=\?\)$/;
    assert.match(planOf(() => readMessages(statements, "a"))[0] ?? "", messages);
    assert.match(planOf(() => readMessages(statements, "a", { beforeRound: 3, limit: 2 }))[0] ?? "", messages);
    const page = { limit: 10, offset: 0 };
    assert.equal(planOf(() => readRuns(statements, page))[1], "SCAN workflow_runs");
    const [total, rows] = planOf(() => readRuns(statements, { ...page, workflow: "cleanup" }));
    assert.match(total ?? "", /COVERING INDEX workflow_runs_workflow/);
    assert.match(rows ?? "", /^SEARCH workflow_runs USING INDEX workflow_runs_workflow \(workflow=\?\)$/);
    const runs = Reflect.construct(SqliteRunStore, [statements, null, null]) as SqliteRunStore;
    assert.match(
      planOf(() => runs.listUnfinished())[0] ?? "",
      /^SEARCH workflow_runs USING INDEX workflow_runs_status/,
    );
  }));
