/** Runs whose `finally` is still to run, in the database. Danger: one is lost, or runs twice after a rebuild. */
import assert from "node:assert/strict";
import {
  closingRuns,
  deleteClosing,
  isClosing,
  isToBeClosed,
  keepClosings,
  listClosings,
  readEndRow,
  readFinally,
  writeFinally,
} from "../../../src/store/runs/closing_sql.ts";
import { insertRun } from "../../../src/store/runs/run_sql.ts";
import { RunTables } from "../../support/run_tables.ts";
import { newRun } from "../../support/store_bench.ts";

/** These runs have ended, in this order. */
function ended(...runIds: readonly string[]): RunTables {
  const tables = new RunTables();
  tables.create(...runIds.toSorted());
  for (const id of runIds) tables.end(id);
  return tables;
}

const toClose = (tables: RunTables, workflow = "cleanup", limit = 9) =>
  listClosings(tables.statements, workflow, limit).map(({ runId }) => runId);

function writeRow(tables: RunTables, runId: string, type: string, payload: string): void {
  const sql = "insert into logs (ts, source, type, ref_id, cause_id, payload) values (1, 'workflow:w', ?, ?, null, ?)";
  tables.take({ sql, values: [type, runId, payload] });
}

Deno.test("what is known of a workflow is read back, replaced and forgotten", () => {
  using tables = new RunTables();
  const { statements } = tables;
  assert.equal(readFinally(statements, "w"), null);
  for (const known of [{ code: "v1", has: true }, { code: "v2", has: false }, { code: "", has: true }]) {
    tables.take(...writeFinally("w", known));
    assert.deepEqual([readFinally(statements, "w"), readFinally(statements, "v")], [known, null]);
  }
  tables.take(...writeFinally("w", null));
  assert.equal(readFinally(statements, "w"), null);
});

Deno.test("runs are to be closed in the order of their ends, as they are stored, and up to a limit", () => {
  using tables = ended("c", "a", "b");
  assert.deepEqual(toClose(tables), ["c", "a", "b"]);
  assert.deepEqual(listClosings(tables.statements, "cleanup", 2), [tables.run("c"), tables.run("a")]);
  assert.deepEqual(toClose(tables, "other"), []);
});

Deno.test("a workflow that turns out to have no finally gives up what was to be closed, and others keep theirs", () => {
  using tables = ended("a");
  tables.take(insertRun(newRun("x", { workflow: "other" })));
  tables.end("x");
  tables.take(...writeFinally("cleanup", { code: "v1", has: true }));
  assert.deepEqual(toClose(tables), ["a"]);
  tables.take(...writeFinally("cleanup", { code: "v2", has: false }));
  assert.deepEqual([toClose(tables), toClose(tables, "other")], [[], ["x"]]);
});

Deno.test("the finally of a run is still to run only if there is one for sure; it may be to close before that is known", () => {
  using tables = ended("a");
  const state = () => [isToBeClosed(tables.statements, "a"), isClosing(tables.statements, "a")];
  assert.deepEqual(state(), [true, false]);
  tables.take(...writeFinally("cleanup", { code: "v1", has: true }));
  assert.deepEqual(state(), [true, true]);
  assert.deepEqual([isToBeClosed(tables.statements, "none"), isClosing(tables.statements, "none")], [false, false]);
  const [note = assert.fail()] = writeFinally("cleanup", { code: "v2", has: false });
  tables.take(note);
  assert.deepEqual(state(), [true, false], "between the steps that tell that there is none");
  tables.take(deleteClosing("a"));
  assert.deepEqual(state(), [false, false]);
});

Deno.test("a run is closed once, and until then its messages are needed", () => {
  using tables = ended("a", "b");
  assert.deepEqual(tables.values(closingRuns), [["a"], ["b"]]);
  assert.deepEqual(tables.take(deleteClosing("a"), deleteClosing("a"), deleteClosing("none")), [1, 0, 0]);
  assert.deepEqual(tables.values(closingRuns), [["b"]]);
});

Deno.test("the row that ended a run is its newest one of an end, with a status", () => {
  using tables = new RunTables();
  assert.equal(readEndRow(tables.statements, "a"), null);
  writeRow(tables, "a", "run.started", '{"status":"started"}');
  writeRow(tables, "a", "run.killed", "{}");
  assert.equal(readEndRow(tables.statements, "a"), null);
  for (const type of ["completed", "failed", "killed", "crashed", "interrupted"]) {
    writeRow(tables, "a", `run.${type}`, `{"status":"${type}"}`);
    assert.deepEqual([[readEndRow(tables.statements, "a")]], tables.values("select max(id) from logs"), type);
  }
  const newest = readEndRow(tables.statements, "a");
  writeRow(tables, "a", "run.closed", '{"status":"failed"}');
  writeRow(tables, "b", "run.completed", '{"status":"completed"}');
  assert.equal(readEndRow(tables.statements, "a"), newest);
});

Deno.test("a rebuild, which ends runs again, leaves what is to be closed as it was, in its order", () => {
  using tables = ended("c", "a", "b", "d");
  tables.take(deleteClosing("a"));
  const result = keepClosings(tables.statements, () => {
    tables.take({ sql: "delete from workflow_runs", values: [] });
    tables.create("a", "b", "c", "e");
    for (const id of ["a", "b", "c"]) tables.end(id);
    return "done";
  });
  // "a" was closed, "d" is gone, and "e" has not ended.
  assert.deepEqual([result, toClose(tables)], ["done", ["c", "b"]]);
  assert.equal(keepClosings(tables.statements, () => 2), 2, "it may be done again");
  assert.deepEqual(toClose(tables), ["c", "b"]);
});
