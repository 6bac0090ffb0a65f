/** Ended runs whose `finally` is still to run, on disk: added by the commit of their end, settled by that of their row. */
import assert from "node:assert/strict";
import { createHeld, refreshHeld } from "../../../src/store/archive/held_rows.ts";
import { closingsMigration } from "../../../src/store/log/closings_schema.ts";
import { logMigrations } from "../../../src/store/log/schema.ts";
import type { SqliteRunStore } from "../../../src/store/runs/run_store.ts";
import { migrate, openDatabase } from "../../../src/store/sqlite/database.ts";
import { newRun, runRow, withStore } from "../../support/store_bench.ts";

const result = { status: "failed", attempts: 1, content: "closed", meta: { n: 1 } } as const;

function of(runId: string) {
  return { runId, workflow: "cleanup", attempt: 1, causeId: null };
}

async function end(runs: SqliteRunStore, id: string): Promise<void> {
  const change = { status: "failed", exitCode: 1, reason: "f", endedAt: 9 } as const;
  assert.ok(await runs.transition(id, { from: ["started"] }, change, runRow(id, { type: "run.failed" })));
}

function toClose(runs: SqliteRunStore): string[] {
  return runs.listClosings("cleanup", 9).map(({ runId }) => runId);
}

Deno.test("the end of a run adds it, unless its workflow is known to have no finally", () =>
  withStore(async ({ store: { runs, reader } }) => {
    for (const id of ["a", "b", "c"]) await runs.create(newRun(id), runRow(id));
    await end(runs, "a");
    assert.deepEqual(toClose(runs), ["a"], "nothing is known");
    await runs.writeFinally("cleanup", { code: "v1", has: true });
    await end(runs, "b");
    assert.deepEqual([toClose(runs), runs.readFinally("cleanup")], [["a", "b"], { code: "v1", has: true }]);
    assert.deepEqual(["a", "b", "c"].map((id) => reader.isClosing(id)), [true, true, false]);
    assert.equal(await runs.closeRun(of("a"), result), true);
    assert.equal(await runs.closeRun(of("a"), result), false, "once");
    const [ended] = reader.logs({ refId: "a", type: "run.failed" });
    const closed = reader.logs({ refId: "a", type: "run.closed" });
    assert.deepEqual(closed.map(({ payload, causeId }) => [payload, causeId]), [[result, ended?.id]]);
    await runs.writeFinally("cleanup", { code: "v2", has: false });
    await end(runs, "c");
    assert.deepEqual(toClose(runs), []);
    await runs.writeFinally("cleanup", null);
    assert.equal(runs.readFinally("cleanup"), null);
    assert.equal(await runs.closeRun(of("c"), null), false);
  }));

Deno.test("what is to be closed outlives a rebuild of the runs and keeps its rows from the archive", () =>
  withStore(async (bench) => {
    for (const id of ["a", "b", "c"]) await bench.store.runs.create(newRun(id), runRow(id));
    await end(bench.store.runs, "a");
    await end(bench.store.runs, "b");
    await bench.store.runs.closeRun(of("a"), result);
    using db = openDatabase(bench.path);
    db.exec("delete from workflow_runs");
    await bench.reopen();
    const { runs } = bench.store;
    assert.deepEqual([toClose(runs), runs.get("a")?.status, runs.get("c")?.status], [["b"], "failed", "started"]);
    createHeld(db);
    refreshHeld(db);
    assert.deepEqual(db.prepare("select id from held order by id").all().map(({ id }) => id), ["b", "c"]);
    const refused = "insert into run_closings (run_id, workflow) values ('c', 'cleanup')";
    assert.throws(() => db.exec(refused), /only a run that has ended is closed/);
    assert.throws(() => db.exec("update run_closings set workflow = 'x'"), /a closing never changes/);
  }));

Deno.test("a run that is paused for its code is known with that code, over a rebuild; any other pause is not", () =>
  withStore(async (bench) => {
    for (const id of ["a", "b"]) await bench.store.runs.create(newRun(id), runRow(id));
    const pause = { from: "started", since: 1, reason: null, wait: null } as const;
    await bench.store.runs.pause(of("a"), { ...pause, code: "v1" }, "paused: it differs");
    await bench.store.runs.pause(of("b"), { ...pause, code: null }, "paused: on request");
    using db = openDatabase(bench.path);
    db.exec("delete from workflow_runs; delete from run_pauses");
    await bench.reopen();
    const { runs } = bench.store;
    assert.deepEqual(runs.listHeld(), [{ runId: "a", workflow: "cleanup", code: "v1", reason: "paused: it differs" }]);
    assert.equal(runs.readPause("b")?.code, null);
    assert.ok(await runs.unpause({ ...of("a"), rounds: 0 }, { ...pause, code: "v1" }));
    assert.deepEqual(runs.listHeld(), []);
  }));

Deno.test("runs that ended before there was a finally are not closed, and the pauses of then go on", () => {
  using db = openDatabase(":memory:");
  migrate(db, logMigrations.slice(0, logMigrations.indexOf(closingsMigration)), "the log of before");
  const insert = (id: string) =>
    db.exec(`insert into workflow_runs (run_id, workflow, status, attempt, rounds, max_rounds, prompt, payload, trigger,
      queued_at) values ('${id}', 'w', 'started', 1, 0, 9, '', '{}', '{"kind":"manual"}', 1)`);
  for (const id of ["before", "after", "paused"]) insert(id);
  db.exec("update workflow_runs set status = 'completed' where run_id = 'before'");
  db.exec("update workflow_runs set status = 'paused' where run_id = 'paused'");
  db.exec("insert into run_pauses (run_id, paused_from, since) values ('paused', 'started', 1)");
  migrate(db, logMigrations, "the log");
  db.exec("update workflow_runs set status = 'completed' where run_id = 'after'");
  assert.deepEqual(db.prepare("select run_id from run_closings").all().map((row) => row.run_id), ["after"]);
  assert.deepEqual(db.prepare("select code from run_pauses").all().map((row) => row.code), [null]);
});
