/** When queued runs start, on disk. */
import assert from "node:assert/strict";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { newRun, runRow, withStore } from "../../support/store_bench.ts";

Deno.test("when a queued run starts is on disk with it, outlives a rebuild, and goes when it has started", () =>
  withStore(async (bench) => {
    const starts = { wall: 3_600_000, boot: { id: "b", ms: 5 } };
    for (const id of ["a", "b"]) {
      const run = newRun(id, { status: "queued" });
      await bench.store.runs.create(run, runRow(id, { type: "run.queued", payload: { starts } }), null, starts);
    }
    using db = openDatabase(bench.path);
    db.exec("delete from workflow_runs; delete from planned_starts");
    await bench.reopen();
    const { runs } = bench.store;
    assert.deepEqual([...runs.listPlanned()], [["a", starts], ["b", starts]]);
    const pause = { from: "queued", since: 1, reason: null, wait: null, code: null } as const;
    await runs.pause({ runId: "b", workflow: "cleanup", attempt: 0, causeId: null }, pause, "paused");
    await runs.transition("a", { from: ["queued"] }, { status: "started", attempt: 1 }, runRow("a"));
    assert.deepEqual([runs.readPlanned("a"), runs.readPlanned("b")], [null, starts]);
    const end = { status: "killed", exitCode: 137, endedAt: 9 } as const;
    await runs.transition("b", { from: ["paused"] }, end, runRow("b", { type: "run.killed" }));
    assert.equal(runs.listPlanned().size, 0);
    assert.throws(() => db.exec("insert into planned_starts values ('a', '{}')"), /only a queued run starts later/);
  }));
