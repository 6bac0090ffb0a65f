/** `nerve store gc` on real data. Danger: it removes a blob that something still mentions, or is about to mention. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { setImmediate } from "node:timers";
import { systemClock } from "../../../src/base/clock.ts";
import { storeGcOutput } from "../../../src/cli/render/store_schemas.ts";
import { findGarbage, removeGarbage } from "../../../src/store/blobs/blob_gc.ts";
import { BlobStore } from "../../../src/store/blobs/blob_store.ts";
import { at, damageDatabase, oldBlob, senseWith, storeJson, withArchive } from "../../support/archive_bench.ts";

Deno.test("nerve store gc removes unreferenced blobs, and only with --yes", () =>
  withArchive(async (bench) => {
    bench.clock.wall = systemClock.now();
    const garbage = await oldBlob(bench, "nobody wants this"),
      young = await new BlobStore(bench.paths.blobs).write("new");
    const written = [];
    for (const place of ["row", "archived row", "run", "text", "blob"]) written.push(await oldBlob(bench, place));
    const [inRow = "", inArchive = "", inMessage = "", inText = "", inBytes = ""] = written;
    bench.append(at(0), { payload: { nested: [{ image: `sha256:${inArchive}` }] } });
    bench.append(at(1), { payload: { image: inRow } });
    await bench.store.log.durable();
    await bench.archive(at(1));
    await bench.startRun("run-1", at(2));
    const message = { round: 1, role: "scan", content: `see ff${inMessage}00`, meta: {}, ts: at(2) };
    await bench.store.runs.appendMessage({ runId: "run-1", workflow: "cleanup", attempt: 1, causeId: null }, message);
    await senseWith(bench, "texts", inText);
    await senseWith(bench, "bytes", new TextEncoder().encode(`\u0000${inBytes}`));
    bench.clock.wall = systemClock.now();
    const dry = storeGcOutput.parse(await storeJson(bench, "gc"));
    assert.deepEqual([dry.items.map(({ digest }) => digest), dry.kept, dry.removed], [[garbage], 6, false]);
    assert.match((await bench.nerve("store", "gc")).out, /nothing references 1 blob, 17 B; 6 are kept\n.*gc --yes/);
    const blobs = new BlobStore(bench.paths.blobs);
    assert.ok(await blobs.has(garbage));
    assert.equal(storeGcOutput.parse(await storeJson(bench, "gc", "--yes")).removedBytes, 17);
    assert.deepEqual(await Promise.all([garbage, young, ...written].map((digest) => blobs.has(digest))), [
      false,
      ...Array(6).fill(true),
    ]);
  }));

Deno.test("a blob that is written again is young again, and an unreadable database keeps all blobs", () =>
  withArchive(async (bench) => {
    bench.clock.wall = systemClock.now();
    const again = await oldBlob(bench, "again"), lost = await oldBlob(bench, "lost");
    await new BlobStore(bench.paths.blobs).write("again");
    assert.deepEqual(storeGcOutput.parse(await storeJson(bench, "gc")).items.map(({ digest }) => digest), [lost]);
    await damageDatabase(await senseWith(bench, "cpu", again));
    const { code, err } = await bench.nerve("store", "gc", "--yes");
    assert.deepEqual([code, /cpu\.db cannot be read.*\n.*no blob was removed/.test(err)], [1, true], err);
    assert.ok(await new BlobStore(bench.paths.blobs).has(lost));
  }));

Deno.test("a blob that is written while gc removes it exists afterwards, whoever is first", () =>
  withArchive(async (bench) => {
    const blobs = new BlobStore(bench.paths.blobs);
    for (let turns = 0; turns < 40; turns++) {
      const digest = await blobs.write("wanted again"),
        path = join(bench.paths.blobs, digest.slice(0, 2), digest.slice(2));
      await Deno.utime(path, 1_000, 1_000);
      const garbage = findGarbage(bench.paths, systemClock.now());
      assert.equal(garbage.files.length, 1);
      const written = blobs.write("wanted again");
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      if (turns >= 20) await new Promise<void>((resolve) => setImmediate(resolve));
      removeGarbage(garbage);
      assert.equal(await written, digest);
      assert.equal(new TextDecoder().decode(await blobs.read(digest)), "wanted again");
      const entries = [...Deno.readDirSync(join(bench.paths.blobs, digest.slice(0, 2)))].map(({ name }) => name);
      assert.deepEqual(entries, [digest.slice(2)], "no blob that was moved aside remains");
    }
  }));
