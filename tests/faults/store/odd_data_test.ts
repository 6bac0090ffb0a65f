/**
 * What code in the sandbox, or anybody, may leave in `data/`. Danger: one sick database, or a pipe in the place of a
 * blob, fails or stops the backup, the check or the start of a whole workspace.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import {
  storeBackupOutput,
  storeRestoreOutput,
  storeStatsOutput,
  storeVerifyOutput,
} from "../../../src/cli/render/store_schemas.ts";
import { parseNerveConfig } from "../../../src/config/parse.ts";
import { createKernel } from "../../../src/daemon/embedded_kernel.ts";
import { BlobStore } from "../../../src/store/blobs/blob_store.ts";
import type { LogRow } from "../../../src/protocol/log.ts";
import { StoreReader } from "../../../src/store/log/reader.ts";
import { checkDatabaseHealth } from "../../../src/store/maintenance/database_health.ts";
import { mendData } from "../../../src/store/maintenance/mend_data.ts";
import {
  type ArchiveBench,
  at,
  damageDatabase,
  senseWith,
  storeJson,
  withArchive,
} from "../../support/archive_bench.ts";
import { long } from "../../support/long_form.ts";
import { writeWorkspace } from "../../support/temp_workspace.ts";

const run = (program: string, ...args: string[]) => assert.ok(new Deno.Command(program, { args }).outputSync().success);
/** Far more than any test, or backup, could read. */
const terabyte = 1e12;

/** Good data, and beside it one of each kind that is not. */
async function withOddData(test: (bench: ArchiveBench, digest: string) => Promise<void>): Promise<void> {
  await withArchive(async (bench) => {
    const { senseDatabases, blobs } = bench.paths, database = (name: string) => `${senseDatabases}/${name}.db`;
    bench.append(at(0));
    await bench.store.log.durable();
    const digest = await new BlobStore(blobs).write("a good blob");
    await senseWith(bench, "good", "reading");
    await damageDatabase(await senseWith(bench, "damaged", "x".repeat(100_000)));
    await senseWith(bench, "piped", "x");
    run("mkfifo", `${database("piped")}-journal`, database("pipe"), `${blobs}/${digest.slice(0, 2)}/${"c".repeat(62)}`);
    Deno.writeTextFileSync(database("garbage"), "x".repeat(8_192));
    Deno.mkdirSync(`${database("folder")}/inside`, { recursive: true });
    Deno.symlinkSync("/etc/passwd", database("linked"));
    for (const path of [database("hollow"), `${blobs}/${digest.slice(0, 2)}/${"d".repeat(62)}`]) {
      Deno.writeTextFileSync(path, "");
      Deno.truncateSync(path, terabyte);
    }
    Deno.mkdirSync(`${blobs}/${digest.slice(0, 2)}/${"e".repeat(62)}`);
    Deno.symlinkSync("/", `${blobs}/ff`);
    await test(bench, digest);
  });
}

Deno.test("a backup leaves out what is odd, sick or hollow, names it, and a restore brings the rest back", () =>
  withOddData(async (bench, digest) => {
    const dir = join(bench.paths.root, "backup"), near = digest.slice(0, 2);
    const made = storeBackupOutput.parse(await storeJson(bench, "backup", dir));
    const skipped = Object.fromEntries(made.skipped.map(({ path, why }) => [path, why]));
    const expected: Readonly<Record<string, RegExp>> = {
      "senses/garbage.db": /not a database/,
      "senses/pipe.db": /^is a named pipe/,
      "senses/piped.db": /piped\.db-journal is a named pipe/,
      "senses/piped.db-journal": /^is a named pipe/,
      "senses/folder.db": /^is a folder/,
      "senses/linked.db": /^is a symbolic link/,
      "senses/hollow.db": /is hollow: it claims 931\.3 GiB and takes 0 B/,
      [`blobs/${near}/${"c".repeat(62)}`]: /^is a named pipe/,
      [`blobs/${near}/${"d".repeat(62)}`]: /is hollow/,
      [`blobs/${near}/${"e".repeat(62)}`]: /^is a folder/,
      "blobs/ff": /^is a symbolic link/,
    };
    assert.deepEqual(Object.keys(skipped).sort(), Object.keys(expected).sort());
    for (const [path, why] of Object.entries(expected)) assert.match(skipped[path] ?? "", why, path);
    const text = (await bench.nerve("store", "backup", `${dir}-2`)).out;
    assert.match(text, /🔶 left out: senses\/pipe\.db is a named pipe/);
    await bench.closed(async () => {
      const fresh = join(bench.paths.root, "fresh");
      await writeWorkspace(fresh, { "nerve.yaml": "senses: {}\n" });
      const { code, out, err } = await bench.nerve("store", "restore", dir, "--workspace", fresh, "--json");
      assert.equal(code, 0, err);
      const { damaged } = storeRestoreOutput.parse(JSON.parse(out));
      assert.deepEqual(damaged.map(({ path }) => path), ["senses/damaged.db.damaged"]);
      const names = [...Deno.readDirSync(`${fresh}/data/senses`)].map(({ name }) => name).sort();
      assert.deepEqual(names, ["damaged.db.damaged", "good.db"]);
      assert.ok(await new BlobStore(`${fresh}/data/blobs`).has(digest));
    });
  }));

Deno.test("verify, stats and doctor name each, and read none that would not end", () =>
  withOddData(async (bench, digest) => {
    const { findings } = storeVerifyOutput.parse(JSON.parse((await bench.nerve("store", "verify", "--json")).out));
    const wrong = findings.filter(({ problem }) => problem !== null).map(({ what }) => what.split("/").at(-1));
    const named = ["damaged", "folder", "garbage", "hollow", "linked", "pipe", "piped"].map((name) => `${name}.db`);
    const blobs = ["c", "e"].map((letter) => letter.repeat(62));
    assert.deepEqual(wrong.sort(), [...named, ...blobs, digest.slice(0, 2) + "d".repeat(62), "ff"].sort());
    const { odd, senses } = storeStatsOutput.parse(await storeJson(bench, "stats"));
    assert.ok(odd.length >= 6 && senses.some(({ name }) => name === "good"));
    const doctor = await bench.nerve("doctor");
    assert.equal(doctor.code, 1);
    assert.match(doctor.out, /❌ databases: data\/senses\/folder\.db: is a folder/);
    const query = await bench.nerve("sense", "query", "piped", "select 1");
    assert.match(query.err, /piped\.db its file piped\.db-journal is a named pipe/);
  }));

function rowsIn(logDatabase: string): LogRow[] {
  const reader = StoreReader.open(logDatabase);
  const rows = reader?.logs({ type: "kernel.data_moved" }) ?? [];
  reader?.close();
  return rows;
}

long.test("the kernel starts beside them: what stands in the place of a file is moved aside, and told", () =>
  withOddData(async (bench) => {
    const { paths, paths: { senseDatabases, blobs } } = bench;
    await bench.closed(async () => {
      Deno.renameSync(blobs, `${blobs}.good`);
      run("mkfifo", blobs);
      const parsed = parseNerveConfig("senses: { good: {}, folder: {}, garbage: {} }\n");
      assert.ok(parsed.ok);
      const files = ["good", "folder", "garbage"].map((
        name,
      ) => [`senses/${name}/index.ts`, "export const compute = () => 1;"]);
      await writeWorkspace(paths.root, Object.fromEntries(files));
      const kernel = createKernel(parsed.value.config, paths.root);
      try {
        await kernel.ready;
        assert.equal((await kernel.triggerSense("good")).kind, "signal");
        assert.equal((await kernel.triggerSense("folder")).kind, "signal");
        assert.match(JSON.stringify(await kernel.triggerSense("garbage")), /not a database/);
        const told = JSON.stringify(rowsIn(paths.logDatabase));
        for (const what of ["blobs is not a folder", "folder.db is a folder", "pipe.db is a named pipe"]) {
          assert.ok(told.includes(what), told);
        }
      } finally {
        await kernel.stop();
      }
      const names = [...Deno.readDirSync(senseDatabases)].map(({ name }) => name);
      assert.ok(names.some((name) => name.startsWith("folder.db.aside-")), names.join());
      assert.ok(Deno.statSync(blobs).isDirectory);
    });
  }));

Deno.test("what cannot be moved away is told, and the blob folder is closed to others again", () =>
  withArchive((bench) => {
    const { senseDatabases, blobs } = bench.paths;
    for (const folder of [senseDatabases, blobs]) Deno.mkdirSync(folder, { recursive: true });
    Deno.chmodSync(blobs, 0o777);
    Deno.mkdirSync(`${senseDatabases}/stuck.db`);
    const marked = new Deno.Command("chattr", { args: ["+i", `${senseDatabases}/stuck.db`], stderr: "null" });
    const immutable = marked.outputSync().success;
    try {
      const told = mendData(bench.paths, Date.now());
      assert.match(
        told.join(),
        immutable ? /stuck\.db is a folder, and cannot be moved away/ : /stuck\.db is a folder: it is now/,
      );
      assert.equal((Deno.statSync(blobs).mode ?? 0) & 0o777, 0o700);
    } finally {
      if (immutable) run("chattr", "-i", `${senseDatabases}/stuck.db`);
    }
    return Promise.resolve();
  }));

Deno.test("no check of a database evaluates what its schema computes: an expression may take any time", () =>
  withArchive(async (bench) => {
    const path = await senseWith(bench, "dear", "x"), overflows = "-9223372036854775808";
    const db = new DatabaseSync(path, { defensive: false });
    // Evaluating `abs` of this number fails, which shows whether it is done.
    db.exec(`create table checked (n check (abs(n) >= 0)); pragma ignore_check_constraints = on;
      insert into checked values (${overflows}); create table computed (n); insert into computed values (${overflows});
      pragma writable_schema = on;
      update sqlite_schema set sql = 'create table computed (n, m int not null generated always as (abs(n)) virtual)'
        where name = 'computed'`);
    db.close();
    const { findings } = storeVerifyOutput.parse(JSON.parse((await bench.nerve("store", "verify", "--json")).out));
    assert.equal(findings.find(({ what }) => what === path)?.problem, null);
    for (const maxBytes of [Infinity, 0]) assert.equal(checkDatabaseHealth(path, maxBytes).problem, null);
  }));

long.test("a backup with a file that no backup has is refused, and nothing of it is taken", () =>
  withArchive(async (bench) => {
    bench.append(at(0));
    await bench.store.log.durable();
    const dir = join(bench.paths.root, "backup"), victim = join(bench.paths.root, "victim");
    await storeJson(bench, "backup", dir);
    Deno.writeTextFileSync(victim, "kept");
    const manifest = JSON.parse(Deno.readTextFileSync(`${dir}/backup.json`)),
      text = "a journal that names a file to delete";
    const sha256 = createHash("sha256").update(text).digest("hex");
    await bench.closed(async () => {
      for (
        const path of ["logs.db-journal", "senses/x.db-wal", "../../nerve.yaml", "senses/../x.db", "blobs/ab", "run/g1"]
      ) {
        await writeWorkspace(dir, { [`data/${path}`]: text });
        const files = [...manifest.files, { path, bytes: text.length, sha256 }];
        Deno.writeTextFileSync(`${dir}/backup.json`, JSON.stringify({ ...manifest, files }));
        const { code, err } = await bench.nerve("store", "restore", dir, "--force");
        assert.equal(code, 1);
        assert.match(err, /is not a backup of nerve: backup\.json names /, path);
      }
      // A link in the place of a file would be read wherever it leads.
      Deno.writeTextFileSync(`${dir}/backup.json`, JSON.stringify(manifest));
      Deno.renameSync(`${dir}/data/logs.db`, `${dir}/log`);
      Deno.symlinkSync("../log", `${dir}/data/logs.db`);
      assert.match((await bench.nerve("store", "restore", dir, "--force")).err, /logs\.db is missing/);
      assert.equal(Deno.readTextFileSync(victim), "kept");
    });
  }));
