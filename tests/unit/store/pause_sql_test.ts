/** Paused runs in the database. Danger: a run goes on from elsewhere than where it was. */
import assert from "node:assert/strict";
import type { RunPause } from "../../../src/protocol/run_wait.ts";
import { insertPause, listHeld, listPaused, readPause, unpauseRun } from "../../../src/store/runs/pause_sql.ts";
import { insertRun } from "../../../src/store/runs/run_sql.ts";
import { RunTables } from "../../support/run_tables.ts";
import { newRun, sleepOf } from "../../support/store_bench.ts";

const plain: RunPause = { from: "started", since: 5, reason: null, wait: null, code: null };

function pause(tables: RunTables, runId: string, of: RunPause, reason = "paused: on request"): RunPause {
  tables.move(runId, { status: "paused", reason });
  tables.take(insertPause(runId, of));
  return of;
}

/** A run in each status that may be paused, by its name. */
function begin(): RunTables {
  const tables = new RunTables();
  tables.take(insertRun(newRun("queued", { status: "queued" })));
  tables.create("started", "waiting");
  tables.wait("waiting");
  return tables;
}

Deno.test("a pause is read back as it was written, with what the run waited for", () => {
  using tables = begin();
  const { statements } = tables;
  const queued = pause(tables, "queued", { ...plain, from: "queued", reason: "it waits for a slot" });
  const waiting = pause(tables, "waiting", { ...plain, from: "waiting", reason: "ä\ud83d\ude00", wait: sleepOf(1) });
  const held = pause(tables, "started", { ...plain, code: "v1" });
  assert.deepEqual(["queued", "waiting", "started"].map((id) => readPause(statements, id)), [queued, waiting, held]);
  assert.equal(readPause(statements, "none"), null);
});

Deno.test("a row of an older nerve, which says nothing of the code, is a pause for something else", () => {
  using tables = begin();
  const { code: _, ...older } = plain;
  pause(tables, "started", older as RunPause);
  assert.equal(readPause(tables.statements, "started")?.code, null);
  assert.deepEqual(listHeld(tables.statements), []);
});

for (const from of ["queued", "started", "waiting"] as const) {
  Deno.test(`a run that was ${from} goes on from there, with its reason of before, and its pause is gone`, () => {
    using tables = begin();
    const before = tables.run(from).attempt, how = pause(tables, from, { ...plain, from, reason: "as before" });
    assert.deepEqual(tables.take(unpauseRun(from, how), unpauseRun(from, how)), [1, 0]);
    const { status, attempt, reason } = tables.run(from);
    assert.deepEqual([status, attempt, reason], [from, from === "started" ? before + 1 : before, "as before"]);
    assert.equal(readPause(tables.statements, from), null);
  });
}

Deno.test("a run goes on only from where it was, and only when it is paused", () => {
  using tables = begin();
  assert.deepEqual(tables.take(unpauseRun("started", plain), unpauseRun("none", plain)), [0, 0]);
  pause(tables, "started", plain);
  for (const from of ["queued", "waiting"] as const) {
    assert.throws(() => tables.take(unpauseRun("started", { ...plain, from })), /illegal move/, from);
  }
  assert.equal(tables.run("started").status, "paused");
});

Deno.test("only a paused run has a pause, one at most, and it leaves when the run ends", () => {
  using tables = begin();
  assert.throws(() => tables.take(insertPause("started", plain)), /only a paused run/);
  pause(tables, "started", plain);
  assert.throws(() => tables.take(insertPause("started", plain)), /constraint/i);
  tables.end("started");
  assert.deepEqual([readPause(tables.statements, "started"), listPaused(tables.statements)], [null, []]);
});

Deno.test("paused runs are listed with where they were; those that are paused for their code also in the order of runs", () => {
  using tables = begin();
  tables.create("b", "a");
  for (const id of ["a", "b"]) pause(tables, id, { ...plain, code: `code of ${id}` }, `paused: ${id} differs`);
  pause(tables, "waiting", { ...plain, from: "waiting", wait: sleepOf(1) });
  assert.deepEqual(listPaused(tables.statements).sort((a, b) => a.runId < b.runId ? -1 : 1), [
    { runId: "a", workflow: "cleanup", from: "started" },
    { runId: "b", workflow: "cleanup", from: "started" },
    { runId: "waiting", workflow: "cleanup", from: "waiting" },
  ]);
  assert.deepEqual(listHeld(tables.statements), [
    { runId: "b", workflow: "cleanup", code: "code of b", reason: "paused: b differs" },
    { runId: "a", workflow: "cleanup", code: "code of a", reason: "paused: a differs" },
  ]);
  tables.take(unpauseRun("b", plain));
  assert.deepEqual(listHeld(tables.statements).map(({ runId }) => runId), ["a"]);
});
