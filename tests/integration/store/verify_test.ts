/** nerve store stats, gc, verify, rebuild-runs, backup and restore, on real data in a temporary folder. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { systemClock } from "../../../src/base/clock.ts";
import {
  storeBackupOutput,
  storeGcOutput,
  storeRebuildRunsOutput,
  storeRestoreOutput,
  storeStatsOutput,
  storeVerifyOutput,
} from "../../../src/cli/render/json_schemas.ts";
import { BlobStore } from "../../../src/store/blobs/blob_store.ts";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { lockWorkspace } from "../../../src/store/workspace_lock.ts";
import { type ArchiveBench, at, everyRowOnce, withArchive } from "../../support/archive_bench.ts";
import { writeWorkspace } from "../../support/temp_workspace.ts";

async function json(bench: ArchiveBench, ...argv: string[]): Promise<unknown> {
  const { out, err } = await bench.nerve("store", ...argv, "--json");
  assert.equal(err, "");
  return JSON.parse(out);
}

/** Makes the blob as old as one that nobody is about to mention. */
async function oldBlob(bench: ArchiveBench, text: string): Promise<string> {
  const digest = await new BlobStore(bench.paths.blobs).write(text), old = (bench.clock.wall - 3 * 86_400_000) / 1_000;
  await Deno.utime(join(bench.paths.blobs, digest.slice(0, 2), digest.slice(2)), old, old);
  return digest;
}

/** A sense's database with one value in it. */
async function senseWith(bench: ArchiveBench, name: string, value: string | Uint8Array): Promise<string> {
  const path = bench.paths.senseDatabase(name);
  await Deno.mkdir(bench.paths.senseDatabases, { recursive: true });
  const db = openDatabase(path);
  db.exec("create table notes (at integer primary key, note)");
  db.prepare("insert into notes (note) values (?)").run(value);
  db.close();
  return path;
}

/** Overwrites a page in the middle of a database that nobody has open. */
async function damage(path: string): Promise<void> {
  const db = openDatabase(path);
  db.exec("pragma wal_checkpoint(truncate)");
  db.close();
  using file = await Deno.open(path, { write: true });
  await file.seek(4096, Deno.SeekMode.Start);
  await file.write(new Uint8Array(4096).fill(0xa5));
}

Deno.test("nerve store stats tells sizes, rows, the oldest and the growth per day", () =>
  withArchive(async (bench) => {
    for (let hour = 0; hour < 24 * 4; hour++) bench.append(at(0, hour));
    bench.append(at(4));
    await bench.store.log.durable();
    await bench.archive(at(1));
    await senseWith(bench, "cpu", "x");
    await oldBlob(bench, "twelve bytes");
    bench.clock.wall = at(4, 5);
    const stats = storeStatsOutput.parse(await json(bench, "stats")), { log, archive } = stats;
    assert.deepEqual([log?.rows, log?.runs, log?.oldestMs, log?.newestMs], [73, 0, at(1), at(4)]);
    assert.deepEqual([log?.perDay?.days, log?.perDay?.rows], [3, 24]);
    assert.deepEqual([archive.days, archive.rows, archive.oldest, archive.upToMs], [1, 24, "2026-01-01", at(1)]);
    assert.deepEqual([stats.senses.map(({ name }) => name), stats.blobs], [["cpu"], { files: 1, bytes: 12 }]);
    const text = (await bench.nerve("store", "stats")).out;
    assert.match(text, /archive +\S+ \S+ +1 day, 24 rows, from 2026-01-01 up to 2026-01-01/);
    assert.match(text, /the log grows by 24 rows, .* a day \(mean of 3 days\)/);
  }));

Deno.test("nerve store gc removes a blob that nothing mentions, and only with --yes", () =>
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
    const dry = storeGcOutput.parse(await json(bench, "gc"));
    assert.deepEqual([dry.items.map(({ digest }) => digest), dry.kept, dry.removed], [[garbage], 6, false]);
    assert.match((await bench.nerve("store", "gc")).out, /nothing mentions 1 blob, 17 B; 6 stay\n.*gc --yes/);
    const blobs = new BlobStore(bench.paths.blobs);
    assert.ok(await blobs.has(garbage));
    assert.equal(storeGcOutput.parse(await json(bench, "gc", "--yes")).removedBytes, 17);
    assert.deepEqual(await Promise.all([garbage, young, ...written].map((digest) => blobs.has(digest))), [
      false,
      ...Array(6).fill(true),
    ]);
  }));

Deno.test("a blob that is written again is young again; a database that cannot be read keeps all blobs", () =>
  withArchive(async (bench) => {
    bench.clock.wall = systemClock.now();
    const again = await oldBlob(bench, "again"), lost = await oldBlob(bench, "lost");
    await new BlobStore(bench.paths.blobs).write("again");
    assert.deepEqual(storeGcOutput.parse(await json(bench, "gc")).items.map(({ digest }) => digest), [lost]);
    await damage(await senseWith(bench, "cpu", again));
    const { code, err } = await bench.nerve("store", "gc", "--yes");
    assert.deepEqual([code, /cpu\.db cannot be read.*\n.*no blob was removed/.test(err)], [1, true], err);
    assert.ok(await new BlobStore(bench.paths.blobs).has(lost));
  }));

Deno.test("nerve store verify finds what is damaged: a database, a blob, the archive, a run", () =>
  withArchive(async (bench) => {
    await bench.startRun("run-1", at(1));
    for (const hour of [0, 24, 48]) bench.append(at(0, hour));
    await bench.store.log.durable();
    await bench.archive(at(1));
    const digest = await oldBlob(bench, "content");
    const sense = await senseWith(bench, "cpu", "x");
    const whole = storeVerifyOutput.parse(await json(bench, "verify"));
    assert.deepEqual(whole.findings.map(({ part, count }) => [part, count > 0]), [
      ...[["database", true], ["database", true], ["blobs", true], ["archive", true], ["runs", true]],
    ]);
    assert.ok(whole.ok);
    await bench.closed(async () => {
      await damage(sense);
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
        ["runs", "run-1"],
      ]);
      assert.deepEqual(problems.slice(1).map(({ problem }) => problem), [
        "its bytes have another digest",
        "its file is missing: 1 rows",
        "differs from what the log tells: attempt",
      ]);
      assert.match((await bench.nerve("store", "verify")).out, /4 problems\n.*nerve store restore/);
      assert.deepEqual(storeRebuildRunsOutput.parse(await json(bench, "rebuild-runs")), { runs: 1, skipped: 0 });
      const left = storeVerifyOutput.parse(JSON.parse((await bench.nerve("store", "verify", "--json")).out));
      assert.deepEqual(left.findings.filter(({ part }) => part === "runs").map(({ problem }) => problem), [null]);
    });
  }));

Deno.test("a row that is only in the archive, though its day is not over by the watermark, is found by verify", () =>
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
    ]]);
  }));

Deno.test("a backup of a log that is being written is whole, and a restore brings all of it back", () =>
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
    const made = storeBackupOutput.parse(await json(bench, "backup", dir));
    writing = false;
    await writer;
    assert.deepEqual([made.files, made.folder], [4, dir]);
    assert.match((await bench.nerve("store", "backup", dir)).err, /is not empty\n/);
    const spaced = join(bench.paths.root, "back up"), told = await bench.nerve("store", "backup", spaced);
    assert.ok(told.out.includes(`nerve store restore '${spaced}'\n`), told.out);
    assert.match((await bench.nerve("store", "restore", dir)).err, /holds data already\n.*--force/);
    await bench.closed(async () => {
      const held = await lockWorkspace(bench.paths.lockFile, bench.paths.pidFile, bench.paths.root);
      const live = await bench.nerve("store", "restore", dir, "--force");
      held.release();
      assert.deepEqual(
        [live.code, /a live workspace is never overwritten: nerve stop/.test(live.err)],
        [1, true],
        live.err,
      );
      await Deno.remove(sense);
      const restored = storeRestoreOutput.parse(await json(bench, "restore", dir, "--force"));
      assert.ok((await Deno.stat(join(restored.before ?? "", "logs.db"))).isFile, "what was there is kept");
      assert.ok(storeVerifyOutput.parse(await json(bench, "verify")).ok);
      // Into a workspace that has never run.
      const fresh = join(bench.paths.root, "fresh");
      await writeWorkspace(fresh, { "nerve.yaml": "senses: {}\n" });
      const there = await bench.nerve("store", "restore", dir, "--workspace", fresh);
      assert.deepEqual([there.code, there.err], [0, ""]);
    });
    const after = await bench.inTable();
    everyRowOnce(join(bench.paths.root, "fresh"), [...archived["2026-01-01"] ?? [], ...after]);
    assert.deepEqual(after.slice(0, before.length), before);
    assert.deepEqual([bench.inFiles(), bench.store.runs.get("run-1")?.status], [archived, "started"]);
    assert.ok(await new BlobStore(bench.paths.blobs).has(digest));
    const db = openDatabase(sense, { readOnly: true });
    assert.equal(db.prepare("select note from notes").get()?.note, "reading");
    db.close();
  }));

Deno.test("a backup that is not whole is not restored, and nothing is changed by trying", () =>
  withArchive(async (bench) => {
    bench.append(at(0));
    await bench.store.log.durable();
    const dir = join(bench.paths.root, "backup");
    await json(bench, "backup", dir);
    await bench.closed(async () => {
      const before = await Deno.readFile(bench.paths.logDatabase);
      const refused = async (pattern: RegExp) => {
        const { code, err } = await bench.nerve("store", "restore", dir, "--force");
        assert.ok(code !== 0);
        assert.match(err, pattern);
        assert.deepEqual(await Deno.readFile(bench.paths.logDatabase), before);
        const left = [...Deno.readDirSync(bench.paths.root)].map(({ name }) => name).filter((name) =>
          name.startsWith("data")
        );
        assert.deepEqual(left, ["data"]);
      };
      const copy = join(dir, "data", "logs.db"), good = await Deno.readFile(copy);
      await Deno.writeFile(copy, good.with(good.length - 1, 1 ^ good[good.length - 1]!));
      await refused(/not whole: logs\.db was changed/);
      await Deno.remove(copy);
      await refused(/not whole: logs\.db is missing/);
      await Deno.remove(join(dir, "backup.json"));
      await refused(/holds no finished backup/);
    });
  }));

Deno.test("the store's commands say what to do where nothing has happened yet", () =>
  withArchive(async (bench) => {
    const root = join(bench.paths.root, "empty");
    await writeWorkspace(root, { "nerve.yaml": "senses: {}\n" });
    const run = (...argv: string[]) => bench.nerve("store", ...argv, "--workspace", root);
    for (const argv of [["archive"], ["rebuild-runs"], ["backup", join(root, "b")]]) {
      assert.deepEqual(await run(...argv), {
        code: 1,
        out: "",
        err: `❌ Nothing has happened in ${root} yet\n   nerve start\n`,
      });
    }
    assert.equal(storeStatsOutput.parse(JSON.parse((await run("stats", "--json")).out)).log, null);
    assert.ok(storeVerifyOutput.parse(JSON.parse((await run("verify", "--json")).out)).ok);
    assert.equal(storeGcOutput.parse(JSON.parse((await run("gc", "--json")).out)).items.length, 0);
  }));
