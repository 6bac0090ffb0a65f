/** The archive: which rows leave the log, which stay, and that all can be read as before. */
import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { lockRetryMs } from "../../../src/base/limits.ts";
import * as outputs from "../../../src/cli/render/store_schemas.ts";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { at, everyRowOnce, jsonLines, withArchive } from "../../support/archive_bench.ts";
import fc from "../../support/fast_check.ts";

Deno.test("whole days move to their files, in order of ids; later days and the newest row stay", () =>
  withArchive(async (bench) => {
    const rows = [at(0, 1), at(0, 23.99), at(1, 0), at(1, 12), at(2, 0)].map((ts) => bench.append(ts));
    await bench.store.log.durable();
    const report = await bench.archive(at(2, 5));
    assert.deepEqual(report, {
      days: [{ day: "2026-01-01", rows: 2 }, { day: "2026-01-02", rows: 2 }],
      rows: 4,
      held: 0,
    });
    assert.deepEqual(bench.inFiles(), { "2026-01-01": rows.slice(0, 2), "2026-01-02": rows.slice(2, 4) });
    assert.deepEqual(await bench.inTable(), rows.slice(4));
    assert.equal(bench.store.meta.get("archived_up_to"), String(at(2)));
    // The newest row: later ids continue from it.
    assert.equal((await bench.archive(at(9))).rows, 0);
    assert.deepEqual(await bench.inTable(), rows.slice(4));
    assert.deepEqual((await Deno.stat(bench.paths.archive)).mode! & 0o777, 0o700);
  }));

Deno.test("rows of an unfinished run stay, and join their days once it has finished", () =>
  withArchive(async (bench) => {
    await bench.startRun("run-1", at(0, 1));
    await bench.message("run-1", 1, at(0, 2));
    const other = bench.append(at(0, 3));
    bench.append(at(3));
    const before = await bench.inTable();
    assert.deepEqual(await bench.archive(at(2)), { days: [{ day: "2026-01-01", rows: 1 }], rows: 1, held: 2 });
    assert.deepEqual(bench.inFiles(), { "2026-01-01": [other] });
    everyRowOnce(bench.paths.root, before);
    assert.equal((await bench.archive(at(2))).rows, 0, "nothing is left to do");
    await bench.endRun("run-1", at(3, 1));
    bench.append(at(3, 2));
    const all = await bench.inTable();
    assert.equal((await bench.archive(at(2))).rows, 2);
    assert.deepEqual(bench.inFiles()["2026-01-01"]?.map(({ id }) => id), [1, 2, 3], "the file was rewritten");
    everyRowOnce(bench.paths.root, [...before, ...all.slice(-2)]);
  }));

Deno.test("signals that a listener has not heard stay, until all listeners have heard them", () =>
  withArchive(async (bench) => {
    const signal = (sense: string, ts: number) => bench.append(ts, { source: `sense:${sense}`, type: "sense.signal" });
    const rows = [signal("a", at(0)), signal("b", at(0, 1)), signal("a", at(0, 2)), signal("a", at(1))] as const;
    const places = (sum: number, slow: number) => {
      bench.store.meta.setAll([["heard:sum", `{"a":${sum}}`], ["heard:slow", `{"a":${slow}}`], ["heard:gone", "{}"]]);
      return bench.store.log.durable();
    };
    const newest = bench.append(at(3));
    await places(rows[3].id, rows[0].id);
    assert.deepEqual(await bench.archive(at(2)), { days: [{ day: "2026-01-01", rows: 2 }], rows: 2, held: 2 });
    assert.deepEqual(bench.inFiles(), { "2026-01-01": rows.slice(0, 2) });
    everyRowOnce(bench.paths.root, [...rows, newest]);
    await places(rows[3].id, rows[3].id);
    assert.deepEqual(await bench.archive(at(2)), {
      days: [{ day: "2026-01-01", rows: 1 }, { day: "2026-01-02", rows: 1 }],
      rows: 2,
      held: 0,
    });
    everyRowOnce(bench.paths.root, [...rows, newest]);
  }));

Deno.test("deliveries that a sense of their hook has not heard stay", () =>
  withArchive(async (bench) => {
    const deliver = (ts: number) => bench.append(ts, { source: "hook:git", type: "hook.delivery" });
    const rows = [deliver(at(0)), deliver(at(0, 1)), deliver(at(1))] as const;
    bench.append(at(3));
    bench.store.meta.setAll([["heard:ci", `{"hook:git":${rows[0].id}}`]]);
    await bench.store.log.durable();
    assert.deepEqual(await bench.archive(at(2)), { days: [{ day: "2026-01-01", rows: 1 }], rows: 1, held: 2 });
    assert.deepEqual(bench.inFiles(), { "2026-01-01": rows.slice(0, 1) });
  }));

Deno.test("signals that alerts have not heard stay, too", () =>
  withArchive(async (bench) => {
    const signal = (sense: string, ts: number) => bench.append(ts, { source: `sense:${sense}`, type: "sense.signal" });
    const rows = [signal("a", at(0)), signal("b", at(0, 1)), signal("a", at(0, 2)), signal("a", at(1))] as const;
    bench.append(at(3));
    const senses = ["alerts_senses", `{"a":0}`] as const;
    bench.store.alerts.save([], () => ({ states: [], values: [["alerts_heard", String(rows[0].id)], senses] }));
    await bench.store.log.durable();
    assert.deepEqual(await bench.archive(at(2)), { days: [{ day: "2026-01-01", rows: 2 }], rows: 2, held: 2 });
    bench.store.alerts.save([], () => ({ states: [], values: [["alerts_heard", String(rows[3].id)]] }));
    await bench.store.log.durable();
    assert.equal((await bench.archive(at(2))).held, 0);
  }));

Deno.test("a dry run reports what would be archived, and changes nothing", () =>
  withArchive(async (bench) => {
    const rows = [bench.append(at(0)), bench.append(at(1))];
    await bench.store.log.durable();
    assert.equal((await bench.archive(at(1), true)).rows, 1);
    assert.deepEqual(bench.inFiles(), {});
    assert.deepEqual(await bench.inTable(), rows);
    assert.equal(bench.store.meta.get("archived_up_to"), null);
  }));

Deno.test("a damaged file is not overwritten: the log keeps that day, and other days are archived", () =>
  withArchive(async (bench) => {
    const rows = [0, 1, 2].map((day) => bench.append(at(day))), path = `${bench.paths.archive}/2026-01-01.jsonl`;
    await bench.store.log.durable();
    await Deno.mkdir(bench.paths.archive, { recursive: true });
    await Deno.writeTextFile(path, "not a row\n");
    await assert.rejects(bench.archive(at(2)), { code: "STORE_FAILED", message: /not a log row: not a row/ });
    assert.equal(await Deno.readTextFile(path), "not a row\n");
    assert.deepEqual(await bench.inTable(), [rows[0], rows[2]], "the next day has left all the same");
    const files = [...Deno.readDirSync(bench.paths.archive)].map(({ name }) => name).sort();
    assert.deepEqual(files, ["2026-01-01.jsonl", "2026-01-02.jsonl"]);
    Deno.removeSync(path);
    assert.equal((await bench.archive(at(2))).rows, 1);
    everyRowOnce(bench.paths.root, rows);
  }));

Deno.test("whatever the clock did and whenever the archive ran, each row is in one place and can be read", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.oneof(
          { weight: 8, arbitrary: fc.record({ hours: fc.integer({ min: 0, max: 24 * 4 }) }) },
          { weight: 1, arbitrary: fc.record({ archive: fc.integer({ min: 0, max: 5 }) }) },
        ),
        { maxLength: 60 },
      ),
      (steps) =>
        withArchive(async (bench) => {
          const rows = [];
          for (const step of steps) {
            if ("hours" in step) rows.push(bench.append(at(0, step.hours)));
            else {
              await bench.store.log.durable();
              await bench.archive(at(step.archive));
            }
          }
          await bench.store.log.durable();
          everyRowOnce(bench.paths.root, rows);
          const read = jsonLines((await bench.nerve("events", "--archived", "--json", "--limit", "1000")).out);
          assert.deepEqual(read, rows);
          // In pages, as a person goes back.
          let page = jsonLines((await bench.nerve("events", "--archived", "--json", "--limit", "7")).out), pages = page;
          while (page.length === 7) {
            const from = ["--before", String(page[0].id)];
            page = jsonLines((await bench.nerve("events", "--archived", "--json", "--limit", "7", ...from)).out);
            pages = [...page, ...pages];
          }
          assert.deepEqual(pages, rows);
        }),
    ),
    { numRuns: 15 },
  ));

Deno.test("an archive run waits for another program's lock without blocking the event loop", () =>
  withArchive(async (bench) => {
    const rows = [bench.append(at(0)), bench.append(at(1))];
    await bench.store.log.durable();
    const other = openDatabase(bench.paths.logDatabase);
    other.exec("begin immediate");
    const archived = bench.archive(at(1));
    // The file is written; the next step needs the lock.
    while (bench.clock.pending === 0) await new Promise<void>((resolve) => setImmediate(resolve));
    assert.equal((await bench.store.reader.logs({})).length, 2);
    other.exec("rollback");
    other.close();
    await bench.clock.tick(lockRetryMs);
    assert.equal((await archived).rows, 1);
    everyRowOnce(bench.paths.root, rows);
  }));

Deno.test("nerve store archive works by hand: by retention, by date, with a vacuum, as JSON", () =>
  withArchive(async (bench) => {
    for (let hour = 0; hour < 24 * 4; hour++) bench.append(at(0, hour), { payload: "x".repeat(2_000) });
    bench.append(at(4, 1));
    await bench.store.log.durable();
    await bench.closed(async () => {
      const dry = await bench.nerve("store", "archive", "--dry-run");
      assert.deepEqual([dry.code, dry.err], [0, ""]);
      assert.match(dry.out, /48 rows of days before 2026-01-03 \(UTC\) would be archived/);
      const byRetention = outputs.storeArchiveOutput.parse(
        JSON.parse((await bench.nerve("store", "archive", "--json")).out),
      );
      assert.deepEqual([byRetention.rows, byRetention.beforeMs], [48, at(2)]);
      const size = (await Deno.stat(bench.paths.logDatabase)).size;
      const byDate = await bench.nerve("store", "archive", "--before", "2026-01-05", "--vacuum");
      assert.match(byDate.out, /2026-01-03 +24\n2026-01-04 +24\n.*48 rows of days before 2026-01-05/);
      assert.ok((await Deno.stat(bench.paths.logDatabase)).size < size / 2, "the vacuum gave space back");
      assert.match(
        (await bench.nerve("store", "archive")).out,
        /no rows of days before 2026-01-03 \(UTC\) are in the log/,
      );
    });
    for (const wrong of ["2026-01-06", "yesterday", "2026-02-30"]) {
      const { code, err } = await bench.nerve("store", "archive", "--before", wrong);
      assert.deepEqual([code, /a UTC day up to today, such as 2026-01-05/.test(err)], [2, true], err);
    }
  }));
