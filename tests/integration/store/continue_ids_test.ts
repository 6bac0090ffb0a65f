/** A log that begins anew beside an archive. Danger: an id is used twice. */
import assert from "node:assert/strict";
import { openStore } from "../../../src/store/store.ts";
import { at, jsonLines, withArchive } from "../../support/archive_bench.ts";

Deno.test("a new log beside an archive continues its ids, and archived rows are found", () =>
  withArchive(async (bench) => {
    await bench.startRun("run-1", at(0, 1));
    await bench.message("run-1", 1, at(0, 2));
    await bench.endRun("run-1", at(0, 3));
    // The clock was set back, so that the newest id is not of the newest day.
    bench.append(at(2));
    bench.append(at(1));
    bench.append(at(4));
    await bench.store.log.durable();
    await bench.archive(at(3));
    const archived = Object.values(bench.inFiles()).flat();
    await bench.store.close();
    for (const rest of ["", "-wal", "-shm"]) {
      await Deno.remove(bench.paths.logDatabase + rest).catch((thrown) => {
        if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
      });
    }
    Deno.writeTextFileSync(`${bench.paths.archive}/2025-12-31.jsonl`, "damaged");
    bench.store = openStore(bench.paths.logDatabase, bench.clock, { archiveFolder: bench.paths.archive });
    Deno.removeSync(`${bench.paths.archive}/2025-12-31.jsonl`);
    const next = bench.append(at(5));
    assert.equal(next.id, Math.max(...archived.map(({ id }) => id)) + 1);
    await bench.store.log.durable();
    const read = jsonLines((await bench.nerve("events", "--archived", "--json")).out);
    assert.deepEqual(read, [...archived.sort((a, b) => a.id - b.id), next]);
    assert.equal((await bench.nerve("store", "verify")).code, 0);
    await bench.closed(async () => assert.equal((await bench.nerve("store", "rebuild-runs")).code, 0));
    const thread = JSON.parse((await bench.nerve("workflow", "thread", "run-1", "--json")).out);
    assert.deepEqual([thread.run.status, thread.messages.length], ["completed", 1]);
    // A second start has nothing to take over.
    bench.append(at(5, 1));
    assert.equal((await bench.inTable()).at(-1)?.id, next.id + 1);
  }));
