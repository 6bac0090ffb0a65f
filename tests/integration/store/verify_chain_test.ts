/** The chain of hashes over the log. Danger: a row that was tampered with passes, or a sound log is called tampered with. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { listArchivedDays } from "../../../src/store/archive/archive_file.ts";
import { checkChain, describeChain } from "../../../src/store/maintenance/verify_chain.ts";
import { logMigrations } from "../../../src/store/log/schema.ts";
import { migrate, openDatabase } from "../../../src/store/sqlite/database.ts";
import { type ArchiveBench, at, withArchive } from "../../support/archive_bench.ts";
import fc from "../../support/fast_check.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

/** What the check finds; the rows of the parts that it found intact are counted. */
function check({ paths }: Pick<ArchiveBench, "paths">): { problems: string[]; rows: number } {
  const db = openDatabase(paths.logDatabase, { readOnly: true });
  try {
    const parts = [...checkChain(db, paths.archive)];
    const problems = parts.flatMap(({ problem }) => problem === null ? [] : [problem]);
    return { problems, rows: parts.reduce((sum, { rows }) => sum + rows, 0) };
  } finally {
    db.close();
  }
}

/** Another program changes the closed log. */
async function tamper(bench: ArchiveBench, change: (db: DatabaseSync) => void): Promise<void> {
  await bench.closed(() => {
    const db = openDatabase(bench.paths.logDatabase);
    db.exec("drop trigger if exists logs_never_change; drop trigger if exists logs_stay");
    change(db);
    db.close();
    return Promise.resolve();
  });
}

async function fill(bench: ArchiveBench): Promise<void> {
  await bench.startRun("run-1", at(0));
  for (let day = 0; day < 4; day++) {
    for (let n = 0; n < 5; n++) bench.append(at(day, n));
    await bench.store.log.durable();
  }
  await bench.message("run-1", 1, at(4));
}

Deno.test("rows, runs, archives, held rows, reopened and set back clocks leave the chain whole", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom("row", "many", "run", "message", "archive", "reopen", "end"), fc.nat(5)), {
        maxLength: 30,
      }),
      (steps) =>
        withArchive(async (bench) => {
          let runs = 0, round = 0;
          for (const [step, day] of steps) {
            if (step === "row") bench.append(at(day));
            else if (step === "many") { for (let n = 0; n < 300; n++) bench.append(at(day, n / 50)); }
            else if (step === "run") [runs, round] = [runs + 1, 0], await bench.startRun(`run-${runs}`, at(day));
            else if (step === "message" && runs > 0) {
              await bench.message(`run-${runs}`, ++round, at(day)).catch(() => {});
            } else if (step === "end" && runs > 0) await bench.endRun(`run-${runs}`, at(day)).catch(() => {});
            else if (step === "archive") await bench.store.log.durable(), await bench.archive(at(day));
            else if (step === "reopen") await bench.closed(() => Promise.resolve());
          }
          await bench.store.log.durable();
          assert.deepEqual(check(bench).problems, []);
        }),
    ),
    { numRuns: 15 },
  ));

Deno.test("a row that was changed, removed or inserted is found, wherever it is", async () => {
  const changes: Record<string, (db: DatabaseSync) => void> = {
    payload: (db) => db.exec(`update logs set payload = '{"used":0.6}' where id = 9`),
    time: (db) => db.exec("update logs set ts = ts + 1 where id = 9"),
    cause: (db) => db.exec("update logs set cause_id = 3 where id = 9"),
    source: (db) => db.exec("update logs set source = 'sense:disk' where id = 9"),
    removed: (db) => db.exec("delete from logs where id = 9"),
    newest: (db) => db.exec("delete from logs where id = (select max(id) from logs)"),
    replaced: (db) => db.exec("update logs set id = 1000 where id = (select max(id) from logs)"),
    swapped: (db) => db.exec("update logs set id = -id where id in (8, 9); update logs set id = 17 + id where id < 0"),
    appended: (db) =>
      db.exec("insert into logs select 1001, ts, source, type, ref_id, cause_id, payload from logs where id = 9"),
    inserted: (db) =>
      db.exec(
        "delete from logs where id = 9; insert into logs select 9, ts, source, type, ref_id, cause_id, payload from logs where id = 8",
      ),
  };
  for (const [name, change] of Object.entries(changes)) {
    await withArchive(async (bench) => {
      await fill(bench);
      assert.deepEqual(check(bench).problems, [], name);
      await tamper(bench, change);
      assert.ok(check(bench).problems.length > 0, name);
      // What nerve writes afterwards does not cover it up.
      bench.append(at(5));
      await bench.store.log.durable();
      assert.ok(check(bench).problems.length > 0, name);
      const found = await bench.nerve("store", "verify");
      assert.equal(found.code, 1);
      assert.match(found.out, /chain log: .*(changed, removed or inserted|not written by nerve)/, name);
    });
  }
});

Deno.test("hashes that were deleted are missed, also with the rows that they cover", async () => {
  const newest = "delete from log_chain where up_to = (select max(up_to) from log_chain)";
  const changes: Record<string, string> = {
    all: "delete from log_chain",
    newest: `${newest}; delete from logs where id > (select max(up_to) from log_chain)`,
    first: "delete from log_chain where up_to = (select min(up_to) from log_chain)",
    marks: "delete from meta where key = 'chain_up_to'",
  };
  for (const [name, change] of Object.entries(changes)) {
    await withArchive(async (bench) => {
      await fill(bench);
      await tamper(bench, (db) => db.exec(change));
      assert.match(check(bench).problems.join(), /the chain (begins|ends)|were deleted/, name);
      // Nor does nerve cover it up, even where its new rows have the ids of those that are gone.
      for (let n = 0; n < 30; n++) bench.append(at(5)), await bench.store.log.durable();
      assert.match(check(bench).problems.join(), /the chain (begins|ends)|were deleted/, name);
    });
  }
});

Deno.test("a line of the archive that was changed, removed or inserted is found", async () => {
  const changes: Record<string, (lines: string[]) => string[]> = {
    changed: (lines) => lines.map((line, at) => at === 1 ? line.replace("quoted", "unquoted") : line),
    removed: (lines) => lines.toSpliced(1, 1),
    last: (lines) => lines.slice(0, -1),
    inserted: (lines) => lines.toSpliced(1, 0, (lines[0] ?? "").replace(/"id":\d+/, '"id":100000')),
    file: () => [],
  };
  for (const [name, change] of Object.entries(changes)) {
    await withArchive(async (bench) => {
      for (let day = 0; day < 4; day++) for (let n = 0; n < 5; n++) bench.append(at(day, n));
      await bench.store.log.durable();
      await bench.archive(at(3));
      assert.deepEqual(check(bench), { problems: [], rows: 20 });
      const [, file] = listArchivedDays(bench.paths.archive);
      const path = file?.path ?? "", lines = Deno.readTextFileSync(path).trim().split("\n");
      Deno.writeTextFileSync(path, change(lines).map((line) => `${line}\n`).join(""));
      assert.ok(check(bench).problems.length > 0, name);
    });
  }
});

Deno.test("a fault is told of its own thousand rows alone, and the chain stays small", () =>
  withArchive(async (bench) => {
    for (let n = 0; n < 5_000; n++) {
      bench.append(at(0));
      if (n % 50 === 0) await bench.store.log.durable();
    }
    await bench.store.log.durable();
    await tamper(bench, (db) => db.exec("delete from logs where id = 2500"));
    const [problem = "", ...more] = check(bench).problems, [from, to] = problem.match(/\d+/g)?.map(Number) ?? [];
    assert.deepEqual(more, []);
    assert.ok((from ?? 0) > 1_900 && (from ?? 0) <= 2_500 && (to ?? 0) >= 2_500 && (to ?? 0) < 3_100, problem);
    const db = openDatabase(bench.paths.logDatabase, { readOnly: true });
    assert.ok(Number(db.prepare("select count(*) as count from log_chain").get()?.count) < 10);
    assert.match(describeChain(db) ?? "", /^from row 1 to row 5000, [0-9a-f]{64}$/);
    db.close();
  }));

Deno.test("the chain of an older log begins where this nerve went on with it", () =>
  withArchive(async (bench) => {
    await fill(bench);
    // As the migration leaves it.
    await tamper(bench, (db) => db.exec("delete from log_chain; delete from meta where key like 'chain_%'"));
    assert.deepEqual(check(bench), { problems: [], rows: 0 });
    bench.append(at(5));
    bench.append(at(5));
    await bench.store.log.durable();
    assert.deepEqual(check(bench), { problems: [], rows: 2 });
    await tamper(bench, (db) => db.exec("update logs set ts = ts + 1 where id = (select max(id) from logs)"));
    assert.equal(check(bench).problems.length, 1);
  }));

Deno.test("a log without a row has no chain, and is intact", () =>
  inTempDir((root) => {
    const db = openDatabase(join(root, "logs.db"));
    migrate(db, logMigrations, "logs.db");
    assert.deepEqual([...checkChain(db, join(root, "archive"))], []);
    assert.equal(describeChain(db), null);
    db.close();
    return Promise.resolve();
  }));

Deno.test("a restored backup has its chain, which goes on after it", () =>
  withArchive(async (bench) => {
    await fill(bench);
    await bench.archive(at(2));
    const copy = join(bench.paths.root, "copy");
    assert.equal((await bench.nerve("store", "backup", copy)).code, 0);
    bench.append(at(6));
    await bench.closed(async () => {
      const restored = await bench.nerve("store", "restore", copy, "--force");
      assert.equal(restored.code, 0, restored.err);
    });
    assert.deepEqual(check(bench).problems, []);
    bench.append(at(7));
    await bench.store.log.durable();
    assert.deepEqual(check(bench).problems, []);
    await bench.closed(async () => assert.equal((await bench.nerve("store", "rebuild-runs")).code, 0));
    assert.match((await bench.nerve("store", "verify")).out, /chain from row 1 to row \d+, [0-9a-f]{64}: \d+ rows/);
  }));
