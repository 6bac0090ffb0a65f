import assert from "node:assert/strict";
import { join } from "node:path";
import { NerveError } from "../../../src/base/errors.ts";
import type { SeriesRequest } from "../../../src/protocol/dashboard.ts";
import { readAll } from "../../../src/store/reading/steps.ts";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { listSeries, readSeries } from "../../../src/store/sqlite/sense_series.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

const start = Date.UTC(2026, 0, 1), minuteMs = 60_000;

function bench(sql: string, test: (path: string) => void): Promise<void> {
  return inTempDir((root) => {
    const path = join(root, "cpu.db"), db = openDatabase(path);
    db.exec(sql);
    db.close();
    test(path);
    return Promise.resolve();
  });
}

const usual: SeriesRequest = {
  ...{ table: "samples", column: "used", fromMs: start, untilMs: start + 10 * minuteMs, points: 10 },
};
const samples = "create table samples (id integer primary key, ts integer not null, used real not null) strict;";

/** One row each 10 s, from 0 up. */
function fill(count: number, at = `${start} + n * 10000`): string {
  return `${samples} with recursive c (n) as (select 0 union all select n + 1 from c where n < ${count - 1})
    insert into samples (ts, used) select ${at}, n from c;`;
}

Deno.test("readSeries() makes one point of the rows of each span, with its least, mean and most", () =>
  bench(fill(60), (path) => {
    const { at, least, mean, most, rows, cut, widthMs } = readAll(readSeries(path, usual));
    assert.deepEqual([rows, cut, widthMs, at.length], [60, false, minuteMs, 10]);
    assert.deepEqual([at[0], least[0], mean[0], most[0]], [start + minuteMs / 2, 0, 2.5, 5]);
    assert.deepEqual([least[9], mean[9], most[9]], [54, 56.5, 59]);
  }));

Deno.test("readSeries() leaves out spans without rows, other times, and what is no number", () =>
  bench(
    `create table samples (id integer primary key, ts, used real);
     insert into samples (ts, used) values (${start + 1}, 4), (${start + 2}, null), ('now', 7), (${start - 1}, 8),
       (${start + 5 * minuteMs}, 9e999), (${start + 10 * minuteMs}, 5), (${start + 3 * minuteMs}, 6);`,
    (path) => {
      const { at, mean } = readAll(readSeries(path, usual));
      assert.deepEqual([at, mean], [[start + minuteMs / 2, start + 3.5 * minuteMs], [4, 6]]);
    },
  ));

Deno.test("readSeries() takes times of seconds as it takes milliseconds, and tables without row ids", () =>
  bench(
    `create table samples (ts integer primary key, used real) without rowid;
     insert into samples values (${start / 1_000}, 1), (${start / 1_000 + 60}, 3);`,
    (path) => assert.deepEqual(readAll(readSeries(path, usual)).mean, [1, 3]),
  ));

Deno.test("readSeries() reads a large table in steps, and ends where the asked time does", () =>
  bench(fill(150_000, `${start} - (150000 - n) * 10000`), (path) => {
    const hour: SeriesRequest = { ...usual, fromMs: start - 60 * minuteMs, untilMs: start };
    const count = (query: SeriesRequest) => {
      const steps = readSeries(path, query);
      let taken = 0, step = steps.next();
      for (; step.done !== true; step = steps.next()) taken++;
      return { taken, rows: step.value.rows };
    };
    assert.deepEqual(count(hour), { taken: 4, rows: 360 });
    assert.deepEqual(count({ ...hour, fromMs: 0 }), { taken: 15, rows: 150_000 });
  }));

Deno.test("readSeries() reads a table without row ids in steps, too, whatever its key is", async () => {
  for (const key of ["host, ts", "ts desc, host"]) {
    await bench(
      `create table samples (host text not null, ts integer not null, used real, primary key (${key})) without rowid;
       with recursive c (n) as (select 0 union all select n + 1 from c where n < 14999)
       insert into samples select host, ${start} + n * 1000, n from c, (select 'a' as host union all select 'B');`,
      (path) => {
        // The last quarter of an hour, of each host.
        const query = { ...usual, fromMs: start + 14_100_000, untilMs: start + 15_000_000, points: 1 };
        const steps = readSeries(path, query);
        let taken = 1, step = steps.next();
        for (; step.done !== true; step = steps.next()) taken++;
        assert.deepEqual([step.value.rows, step.value.mean, taken], [1_800, [14_549.5], 4], key);
      },
    );
  }
});

Deno.test("listSeries() names columns of numbers beside one of times, and no key", () =>
  bench(
    `${samples} create table words (word text, seen integer);
     create table sizes (id integer primary key, read_at integer, disk_id integer, "odd ""name" int, note text, twice as (id * 2));
     create view latest as select ts, used from samples;`,
    (path) => {
      assert.deepEqual(readAll(listSeries(path)).items, [
        { table: "samples", time: "ts", column: "used" },
        { table: "sizes", time: "read_at", column: 'odd "name' },
      ]);
    },
  ));

Deno.test("readSeries() refuses views, columns that are computed, and what is not there", () =>
  bench(
    `${samples} create view latest as select ts, used from samples;
     create table twice (ts integer, used real, computed real as (used * 2));`,
    (path) => {
      const wrong = [{ table: "latest" }, { table: "twice", column: "computed" }, { column: "gone" }, {
        column: 'ts"',
      }];
      for (const change of wrong) {
        const read = () => readAll(readSeries(path, { ...usual, ...change }));
        assert.throws(read, (thrown) => thrown instanceof NerveError && thrown.code === "QUERY_INVALID");
      }
    },
  ));
