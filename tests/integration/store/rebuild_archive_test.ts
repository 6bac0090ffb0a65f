/** Lost runs are rebuilt from the log and its archive. */
import assert from "node:assert/strict";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { at, withArchive } from "../../support/archive_bench.ts";

Deno.test("lost runs are rebuilt from the log and its archive, whatever the days of their rows", () =>
  withArchive(async (bench) => {
    const runs = ["a", "b", "c", "d"];
    await bench.startRun("a", at(0, 1));
    await bench.message("a", 1, at(0, 2));
    await bench.startRun("b", at(0, 3));
    await bench.endRun("a", at(0, 4));
    await bench.message("b", 1, at(1, 1));
    // The clock was set back: rows of a later id are of an earlier day.
    await bench.startRun("c", at(0, 5));
    await bench.message("b", 2, at(1, 2));
    await bench.endRun("c", at(1, 3));
    await bench.endRun("b", at(2, 1));
    await bench.startRun("d", at(3, 1));
    await bench.message("d", 1, at(3, 2));
    bench.append(at(4));
    await bench.store.log.durable();
    await bench.archive(at(2));
    const before = runs.map((id) => bench.store.runs.get(id));
    assert.deepEqual(before.map((run) => run?.status), ["completed", "completed", "completed", "started"]);
    const listed = async () => (await bench.nerve("workflow", "list", "--all", "--json")).out;
    const list = await listed();
    for (const lost of ["1", "run_id in ('b', 'd')"]) {
      await bench.closed(async () => {
        // As a restore of an older file would leave it; the store itself restores whatever the log alone contains.
        using db = openDatabase(bench.paths.logDatabase);
        db.exec(`delete from workflow_runs where ${lost}`);
        const made = await bench.nerve("store", "rebuild-runs", "--json");
        assert.deepEqual(JSON.parse(made.out), { runs: 4, skipped: 0 });
      });
      assert.deepEqual(runs.map((id) => bench.store.runs.get(id)), before);
      assert.equal(await listed(), list);
    }
    await bench.closed(async () => {
      Deno.writeTextFileSync(`${bench.paths.archive}/2026-01-02.jsonl`, '{"id":5,"type":"run.', { append: true });
      const refused = await bench.nerve("store", "rebuild-runs");
      assert.deepEqual([refused.code, /2026-01-02\.jsonl is damaged.*\n.*store verify/.test(refused.err)], [1, true]);
    });
    assert.deepEqual(runs.map((id) => bench.store.runs.get(id)), before, "as a whole or not at all");
  }));
