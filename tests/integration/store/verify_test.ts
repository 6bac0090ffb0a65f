/** `nerve store verify` on real data. Danger: damage that is not found, or sound data that is called damaged. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { storeRebuildRunsOutput, storeVerifyOutput } from "../../../src/cli/render/store_schemas.ts";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { at, damageDatabase, oldBlob, senseWith, storeJson, withArchive } from "../../support/archive_bench.ts";
import fc from "../../support/fast_check.ts";

Deno.test("nerve store verify finds a damaged database, blob, archive file and run", () =>
  withArchive(async (bench) => {
    await bench.startRun("run-1", at(1));
    for (const hour of [0, 24, 48]) bench.append(at(0, hour));
    await bench.store.log.durable();
    await bench.archive(at(1));
    const digest = await oldBlob(bench, "content");
    const sense = await senseWith(bench, "cpu", "x");
    const intact = storeVerifyOutput.parse(await storeJson(bench, "verify"));
    assert.deepEqual(intact.findings.map(({ part, count }) => [part, count > 0]), [
      ...[["database", true], ["database", true], ["blobs", true], ["archive", true], ["chain", true], ["runs", true]],
    ]);
    assert.ok(intact.ok);
    await bench.closed(async () => {
      await damageDatabase(sense);
      await Deno.writeTextFile(join(bench.paths.blobs, digest.slice(0, 2), digest.slice(2)), "changed");
      const db = openDatabase(bench.paths.logDatabase);
      db.exec("update workflow_runs set attempt = 2");
      db.close();
      await Deno.remove(join(bench.paths.archive, "2026-01-01.jsonl"));
      const found = await bench.nerve("store", "verify", "--json");
      assert.equal(found.code, 1);
      const { ok, findings } = storeVerifyOutput.parse(JSON.parse(found.out));
      assert.equal(ok, false);
      const problems = findings.filter(({ problem }) => problem !== null);
      assert.deepEqual(problems.map(({ part, what }) => [part, what]), [
        ["database", sense],
        ["blobs", digest],
        ["archive", "2026-01-01"],
        ["chain", "log"],
        ["runs", "run-1"],
      ]);
      assert.deepEqual(problems.slice(1).map(({ problem }) => problem), [
        "its bytes have another digest",
        "its file is missing: 1 rows",
        "of rows 1 to 4 one was changed, removed or inserted since they were written",
        "differs from the log: attempt",
      ]);
      assert.match((await bench.nerve("store", "verify")).out, /5 problems\n.*nerve store restore/);
      assert.deepEqual(storeRebuildRunsOutput.parse(await storeJson(bench, "rebuild-runs")), { runs: 1, skipped: 0 });
      const remaining = storeVerifyOutput.parse(JSON.parse((await bench.nerve("store", "verify", "--json")).out));
      assert.deepEqual(remaining.findings.filter(({ part }) => part === "runs").map(({ problem }) => problem), [null]);
    });
  }));

Deno.test("verify finds a row that is only in the archive although it is above the watermark", () =>
  withArchive(async (bench) => {
    bench.append(at(0));
    bench.append(at(3));
    await bench.store.log.durable();
    await bench.archive(at(1));
    const stray = {
      id: 99,
      ts: at(2),
      source: "sense:cpu",
      type: "sense.null",
      refId: "cpu",
      causeId: null,
      payload: {},
    };
    const files = {
      "2026-01-03": [stray],
      "2026-01-02": [{ ...stray, id: 2, ts: at(1) }, { ...stray, id: 2, ts: at(1) }],
    };
    for (const [day, rows] of Object.entries(files)) {
      const text = rows.map((row) => JSON.stringify(row) + "\n").join("");
      await Deno.writeTextFile(join(bench.paths.archive, `${day}.jsonl`), text);
    }
    const { code, out } = await bench.nerve("store", "verify", "--json");
    const problems = storeVerifyOutput.parse(JSON.parse(out)).findings.flatMap(({ problem }) => problem ?? []);
    assert.deepEqual([code, problems], [1, [
      "row 2 follows row 2",
      "row 99 is beyond the watermark, and not in the log",
      "1 rows of the archive differ from the rows of their ids",
      "1 rows after row 2 were not written by nerve",
    ]]);
  }));

Deno.test("whatever bytes of the log are changed or cut off, verify answers, and reports a truncated file", () =>
  withArchive(async (bench) => {
    for (let n = 0; n < 300; n++) bench.append(at(0) + n);
    await bench.startRun("run-1", at(1));
    await bench.store.log.durable();
    await bench.closed(async () => {
      const good = await Deno.readFile(bench.paths.logDatabase);
      const verify = async (bytes: Uint8Array) => {
        await Deno.writeFile(bench.paths.logDatabase, bytes);
        const { code, out } = await bench.nerve("store", "verify", "--json");
        return storeVerifyOutput.parse(JSON.parse(out)).ok === (code === 0) ? code : -1;
      };
      const flip = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 20 });
      await fc.assert(
        fc.asyncProperty(flip, async (flips) => {
          const bytes = good.slice();
          for (const [at, value] of flips) bytes[at] = value;
          assert.ok([0, 1].includes(await verify(bytes)));
        }),
        { numRuns: 40 },
      );
      await fc.assert(
        fc.asyncProperty(fc.nat(good.length - 1), async (length) => {
          assert.equal(await verify(good.slice(0, length)), 1);
        }),
        { numRuns: 20, examples: [[0], [100], [4096], [good.length - 1]] },
      );
      assert.equal(await verify(good), 0);
    });
  }));
