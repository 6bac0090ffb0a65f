/** Statements about runs: what they change, under which guard, with which values. */
import assert from "node:assert/strict";
import { runStep } from "../../../src/store/commit/operations.ts";
import { logMigrations } from "../../../src/store/log/schema.ts";
import { countMessage, insertRun, readRun, updateRun } from "../../../src/store/runs/run_sql.ts";
import { migrate, openDatabase, StatementCache } from "../../../src/store/sqlite/database.ts";
import { newRun } from "../../support/store_bench.ts";

function withRuns(test: (statements: StatementCache) => void): void {
  using db = openDatabase(":memory:");
  migrate(db, logMigrations, "the log");
  const statements = new StatementCache(db);
  for (const id of ["a", "b", "c"]) runStep(statements, insertRun(newRun(id, { workflow: id === "c" ? "w" : "v" })));
  test(statements);
}

Deno.test("a run is read back as it was written, and an id is accepted once", () =>
  withRuns((statements) => {
    assert.deepEqual(readRun(statements, "a"), newRun("a", { workflow: "v" }));
    assert.equal(runStep(statements, insertRun(newRun("a", { prompt: "another" }))), 0);
    assert.equal(readRun(statements, "none"), null);
  }));

Deno.test("a change is made only when status, attempt and number of messages are as its guard says", () =>
  withRuns((statements) => {
    const end = { status: "completed", exitCode: 0 } as const;
    for (
      const guard of [{ from: ["queued"] }, { from: ["started"], fence: 2 }, { from: ["started"], rounds: 1 }] as const
    ) {
      assert.equal(runStep(statements, updateRun("a", guard, end)), 0, JSON.stringify(guard));
    }
    assert.equal(runStep(statements, updateRun("a", { from: ["queued", "started"], fence: 1, rounds: 0 }, end)), 1);
    const { status, exitCode, attempt } = readRun(statements, "a") ?? assert.fail();
    assert.deepEqual([status, exitCode, attempt], ["completed", 0, 1]);
  }));

Deno.test("messages are counted one by one, for the current attempt only", () =>
  withRuns((statements) => {
    const count = (attempt: number, round: number) => runStep(statements, countMessage("a", attempt, round));
    assert.deepEqual([count(1, 2), count(2, 1), count(1, 1), count(1, 1), count(1, 2)], [0, 0, 1, 0, 1]);
    assert.equal(readRun(statements, "a")?.rounds, 2);
  }));
