/** `nerve sense chart`, and times in `nerve sense query`: what a sense stored, for people. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { runCli } from "../../../src/cli/app.ts";
import { senseChartOutput } from "../../../src/cli/render/compute_schemas.ts";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { CapturedIo } from "../../support/captured_io.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { inTempDir, writeWorkspace } from "../../support/temp_workspace.ts";

const now = Date.UTC(2026, 10, 29, 12), hourMs = 3_600_000;

/** A sense with readings of two paths every 10 minutes of two days, and a table of figures at seconds. */
async function withReadings(
  test: (nerve: (...args: string[]) => Promise<CapturedIo & { code: number }>) => Promise<void>,
) {
  await inTempDir(async (root) => {
    await writeWorkspace(root, { "nerve.yaml": "senses: { disk: {}, new: {} }\n", "data/senses/none": "" });
    const db = openDatabase(join(root, "data/senses/disk.db"));
    db.exec(
      `create table readings (id integer primary key, ts integer, path text, used real, seen_at integer, bytes integer);
      create table others (ts integer, used real); create table fresh (ts integer, used real); create table bare (figure real); create table words (ts integer, word text)`,
    );
    const add = db.prepare("insert into readings (ts, path, used, seen_at, bytes) values (?, ?, ?, ?, ?)");
    for (let at = now - 48 * hourMs; at <= now; at += hourMs / 6) {
      add.run(at, "/", (at - now) / hourMs + 48, Math.floor(at / 1_000), 1_764_000_000_000);
      add.run(at, "/srv", 1_000, null, 0);
    }
    db.exec(`insert into fresh values (${now - 40_000}, 1), (${now - 20_000}, 2), (${now - 1_000}, 4)`);
    db.exec(`insert into words values (${now}, 'x'); insert into bare values (1)`);
    db.close();
    await test(async (...args) => {
      const io = new CapturedIo({ cwd: root, clock: new FakeClock(now) });
      return Object.assign(io, { code: await runCli(args, io) });
    });
  });
}

Deno.test("a chart shows the span, the rows that were asked for, and their figures", async () => {
  await withReadings(async (nerve) => {
    const of = ["sense", "chart", "disk", "used", "--table", "readings", "--where", "path = '/'"];
    const day = await nerve(...of);
    assert.equal(day.err, "");
    assert.match(day.out, /^used of disk in the last 1d\n/);
    assert.match(day.out, /┏━/);
    assert.match(day.out, /\d\d:\d\d/, "its ticks are times");
    assert.match(day.out, /\nleast 24, most 48, last 48; 145 rows, /);
    assert.ok(day.out.split("\n").every((line) => line.length <= 100), day.out);
    assert.match((await nerve(...of, "--since", "6h")).out, /\nleast 42, most 48, last 48; 37 rows, /);
    const { points, time } = senseChartOutput.parse(JSON.parse((await nerve(...of, "--width", "24", "--json")).out));
    assert.deepEqual([points.length, time], [24, "ts"]);
    assert.ok(points.every(({ value }, at) => at === 0 || value > (points[at - 1]?.value ?? 0)));
    assert.match((await nerve(...of, "--since", "1s")).out, /least 48, most 48, last 48; 1 row, /);
    // What has only begun is drawn as wide as all else.
    const fresh = (await nerve("sense", "chart", "disk", "used", "--table", "fresh")).out;
    assert.match(fresh, /┏━/);
    assert.match(fresh, /\d\d:\d\d:20 /, "minutes would not tell its ticks apart");
    assert.match(fresh, /\nleast 1, most 4, last 4; 3 rows, of which the chart shows means/);
    assert.match((await nerve(...of, "--since", "1s")).out, /; 1 row, too few for a chart\n/);
    // A constant has a scale too.
    assert.match((await nerve("sense", "chart", "disk", "bytes", "--since", "1h")).out, /882G┤/);
  });
});

Deno.test("a chart that cannot be drawn says why, and what there is", async () => {
  await withReadings(async (nerve) => {
    const wrong = [
      [["disk", "usd"], /no table has a column "usd"\n +there are: readings \(id, ts, path, used/],
      [["disk", "used"], /several tables have a column "used": readings, others, fresh\n +--table readings/],
      [["disk", "figure"], /the table bare has no column of times/],
      [["disk", "word"], /word holds values that are not numbers/],
      [["disk", "bytes", "--where", "1); drop table readings"], /./],
      [["new", "used"], /sense "new" has no database yet/],
      [["nobody", "used"], /there is no sense "nobody"/],
    ] as const;
    for (const [args, why] of wrong) {
      const { code, err } = await nerve("sense", "chart", ...args);
      assert.notEqual(code, 0, args.join(" "));
      assert.match(err, why);
    }
    assert.match(
      (await nerve("sense", "chart", "disk", "used", "--table", "others")).out,
      /^no used in others in the last 1d\n/,
    );
  });
});

Deno.test("sense query shows times as times in a table, and the numbers in JSON and CSV", async () => {
  await withReadings(async (nerve) => {
    const sql = "select ts, seen_at, bytes, id as started_at from readings where path = '/' order by ts desc limit 1";
    const { out } = await nerve("sense", "query", "disk", sql);
    const time = /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d/g, row = out.split("\n")[1] ?? "";
    assert.deepEqual(row.match(time)?.map((text) => Date.parse(text.replace(" ", "T"))), [now, now], out);
    assert.match(row, / 1764000000000 +577$/, "a number of bytes, and one of no year, stay");
    assert.match((await nerve("sense", "query", "disk", sql, "--format", "csv")).out, new RegExp(`\n${now},`));
    assert.match((await nerve("sense", "query", "disk", sql, "--json")).out, new RegExp(`"ts":${now},`));
  });
});
