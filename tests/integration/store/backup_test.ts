/** `nerve store backup` and `restore` on real data. Danger: an incomplete backup is taken for a complete one. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { storeBackupOutput, storeRestoreOutput, storeVerifyOutput } from "../../../src/cli/render/store_schemas.ts";
import { BlobStore } from "../../../src/store/blobs/blob_store.ts";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { lockWorkspace } from "../../../src/store/workspace_lock.ts";
import { at, everyRowOnce, oldBlob, senseWith, storeJson, withArchive } from "../../support/archive_bench.ts";
import { writeWorkspace } from "../../support/temp_workspace.ts";

Deno.test("a backup of a log that is being written is complete, and a restore brings all of it back", () =>
  withArchive(async (bench) => {
    for (const hour of [0, 24, 48]) bench.append(at(0, hour));
    await bench.startRun("run-1", at(2, 1));
    await bench.archive(at(1));
    const digest = await oldBlob(bench, "content"), sense = await senseWith(bench, "cpu", "reading");
    const before = await bench.inTable(), archived = bench.inFiles(), dir = join(bench.paths.root, "backup");
    let writing = true;
    const writer = (async () => {
      while (writing) {
        bench.append(at(3));
        await bench.store.log.durable();
      }
    })();
    const made = storeBackupOutput.parse(await storeJson(bench, "backup", dir));
    writing = false;
    await writer;
    assert.deepEqual([made.files, made.folder], [4, dir]);
    assert.match((await bench.nerve("store", "backup", dir)).err, /is not empty\n/);
    const spaced = join(bench.paths.root, "back up"), result = await bench.nerve("store", "backup", spaced);
    assert.ok(result.out.includes(`nerve store restore '${spaced}'\n`), result.out);
    assert.match((await bench.nerve("store", "restore", dir)).err, /holds data already\n.*--force/);
    await bench.closed(async () => {
      const held = await lockWorkspace(bench.paths.lockFile, bench.paths.pidFile, bench.paths.root, {
        kind: "daemon",
        program: "nerve",
      });
      const live = await bench.nerve("store", "restore", dir, "--force");
      held.release();
      assert.deepEqual(
        [live.code, /a running daemon's data is never overwritten: nerve stop/.test(live.err)],
        [1, true],
        live.err,
      );
      await Deno.remove(sense);
      const restored = storeRestoreOutput.parse(await storeJson(bench, "restore", dir, "--force"));
      assert.ok((await Deno.stat(join(restored.before ?? "", "logs.db"))).isFile, "what was there is kept");
      assert.ok(storeVerifyOutput.parse(await storeJson(bench, "verify")).ok);
      // Into a workspace that has never run.
      const fresh = join(bench.paths.root, "fresh");
      await writeWorkspace(fresh, { "nerve.yaml": "senses: {}\n" });
      const result = await bench.nerve("store", "restore", dir, "--workspace", fresh);
      assert.deepEqual([result.code, result.err], [0, ""]);
    });
    // No row of the restored log has an id that a row of the replaced one had, or may have had.
    assert.equal(bench.append(at(4)).id, 1_000_001);
    await bench.store.log.durable();
    const fresh = openDatabase(join(bench.paths.root, "fresh", "data", "logs.db"), { readOnly: true });
    assert.equal(fresh.prepare("select value from meta where key = 'ids_after'").get()?.value, "1001000000");
    fresh.close();
    const after = (await bench.inTable()).filter(({ id }) => id <= 1_000_000);
    everyRowOnce(join(bench.paths.root, "fresh"), [...archived["2026-01-01"] ?? [], ...after]);
    assert.deepEqual(after.slice(0, before.length), before);
    assert.deepEqual([bench.inFiles(), bench.store.runs.get("run-1")?.status], [archived, "started"]);
    assert.ok(await new BlobStore(bench.paths.blobs).has(digest));
    const db = openDatabase(sense, { readOnly: true });
    assert.equal(db.prepare("select note from notes").get()?.note, "reading");
    db.close();
  }));

Deno.test("an incomplete backup is not restored, and the attempt changes nothing", () =>
  withArchive(async (bench) => {
    bench.append(at(0));
    await bench.store.log.durable();
    const dir = join(bench.paths.root, "backup");
    await storeJson(bench, "backup", dir);
    await bench.closed(async () => {
      const before = await Deno.readFile(bench.paths.logDatabase);
      const refused = async (pattern: RegExp) => {
        const { code, err } = await bench.nerve("store", "restore", dir, "--force");
        assert.ok(code !== 0);
        assert.match(err, pattern);
        assert.deepEqual(await Deno.readFile(bench.paths.logDatabase), before);
        const entries = [...Deno.readDirSync(bench.paths.root)].map(({ name }) => name).filter((name) =>
          name.startsWith("data")
        );
        assert.deepEqual(entries, ["data"]);
      };
      const copy = join(dir, "data", "logs.db"), good = await Deno.readFile(copy);
      await Deno.writeFile(copy, good.with(good.length - 1, 1 ^ good[good.length - 1]!));
      await refused(/incomplete: logs\.db was changed/);
      await Deno.remove(copy);
      await refused(/incomplete: logs\.db is missing/);
      await Deno.remove(join(dir, "backup.json"));
      await refused(/holds no complete backup/);
    });
  }));
