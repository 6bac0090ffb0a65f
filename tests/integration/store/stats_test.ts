/** `nerve store stats` on real data. */
import assert from "node:assert/strict";
import { storeStatsOutput } from "../../../src/cli/render/store_schemas.ts";
import { at, oldBlob, senseWith, storeJson, withArchive } from "../../support/archive_bench.ts";

Deno.test("nerve store stats shows sizes, rows, the oldest row and the growth per day", () =>
  withArchive(async (bench) => {
    for (let hour = 0; hour < 24 * 4; hour++) bench.append(at(0, hour));
    bench.append(at(4));
    await bench.store.log.durable();
    await bench.archive(at(1));
    await senseWith(bench, "cpu", "x");
    await oldBlob(bench, "twelve bytes");
    bench.clock.wall = at(4, 5);
    const stats = storeStatsOutput.parse(await storeJson(bench, "stats")), { log, archive } = stats;
    assert.deepEqual([log?.rows, log?.runs, log?.oldestMs, log?.newestMs], [73, 0, at(1), at(4)]);
    assert.deepEqual([log?.perDay?.days, log?.perDay?.rows], [3, 24]);
    assert.deepEqual([archive.days, archive.rows, archive.oldest, archive.upToMs], [1, 24, "2026-01-01", at(1)]);
    assert.deepEqual([stats.senses.map(({ name }) => name), stats.blobs], [["cpu"], { files: 1, bytes: 12 }]);
    const text = (await bench.nerve("store", "stats")).out;
    assert.match(text, /archive +\S+ \S+ +1 day, 24 rows, from 2026-01-01 up to 2026-01-01/);
    assert.match(text, /the log grows by 24 rows, .* a day \(mean of 3 days\)/);
  }));
