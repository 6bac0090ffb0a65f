/** The workflow report over databases of senses, in its sandbox. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { migrateSenseDatabase, openSenseDatabase } from "../../../src/store/sqlite/sense_database.ts";
import { TestWorkflow } from "../../support/library.ts";
import { long } from "../../support/long_form.ts";
import { repository } from "../../support/source_files.ts";

const senses = ["disk-usage", "network-counters"];

/** The databases of two senses, open as nerve keeps them, and a folder for reports. */
async function withReport(
  test: (world: { workflow: TestWorkflow; folder: string; disk: DatabaseSync; network: DatabaseSync }) => Promise<void>,
): Promise<void> {
  const folder = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "nerve report " }));
  try {
    await using workflow = new TestWorkflow("report", { read: [folder], write: [folder] }, senses);
    const open: DatabaseSync[] = [];
    for (const name of senses) {
      const path = `${workflow.root}/data/senses/${name}.db`, sqlite = openSenseDatabase(path);
      assert.deepEqual(await migrateSenseDatabase(sqlite, path, join(repository, "senses", name, "migrations")), []);
      sqlite.close();
      const kept = new DatabaseSync(path);
      kept.exec("select count(*) from sqlite_schema; pragma user_version;");
      open.push(kept);
    }
    const [disk, network] = open;
    assert.ok(disk !== undefined && network !== undefined);
    // Its files exist as long as somebody has written.
    disk.exec("create table if not exists kept_open (x); drop table kept_open");
    network.exec("create table if not exists kept_open (x); drop table kept_open");
    await test({ workflow, folder, disk, network });
    for (const each of open) each.close();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function fill(disk: DatabaseSync, count: number): void {
  const add = disk.prepare("insert into readings values (null, ?, '/', 'd', '/', ?, 100, ?, 1)");
  const now = Date.now();
  for (let n = 0; n < count; n++) add.run(now - n * 60_000, n / count, n * 1_024);
}

Deno.test("report writes a table and a chart for each number, of the rows that fit", async () => {
  await withReport(async ({ workflow, folder, disk, network }) => {
    fill(disk, 1_000);
    const rate = network.prepare("insert into readings values (null, ?, ?, 1, ?, 0, 0, 0, 0, 0)");
    for (const [name, received] of [["eth0", 1_000], ["eth0", 3_000], ["lo", 9e9]] as const) {
      rate.run(Date.now() - 1_000, name, received);
    }
    const charts = [
      "disk-usage/readings/used",
      "disk-usage/readings/used_bytes",
      "network-counters/readings/received_bytes?name=eth0",
      "network-counters/readings/drops?name=nowhere0",
    ];
    const config = { folder, charts, span: "1d", title: "Week", timezone: "Europe/Berlin" };
    const { messages, error } = await workflow.run({ config });
    assert.equal(error, null, error?.message);
    const { meta, content } = messages[1] ?? {};
    assert.deepEqual([meta.files, meta.missing], [["report.md", "chart-1.svg", "chart-2.svg", "chart-3.svg"], [
      charts[3],
    ]]);
    assert.equal(Deno.readTextFileSync(`${meta.folder}/report.md`), content);
    assert.match(content ?? "", /^# Week, \d{4}-\d\d-\d\d\n/);
    assert.match(content ?? "", /\| `disk-usage\/readings\/used` \| 0 \| 0\.\d+ \| 0\.999 \| 0 \| \d+ \|/);
    assert.match(
      content ?? "",
      /\| `network-counters.*eth0` \| 1000 ?B \| 2 ?kB \| 3 ?kB|\| `network-counters.*eth0` \| .* \| 2 \|/,
    );
    assert.match(content ?? "", /!\[disk-usage\/readings\/used_bytes\]\(chart-2\.svg\)/);
    const svg = Deno.readTextFileSync(`${meta.folder}/chart-1.svg`);
    assert.match(svg, /<path d="M[\d.,L]+"/);
    const points = messages[0]?.meta.series[0].points;
    assert.ok(points.length > 100 && points.length <= 201, `${points.length} points`);
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), [meta.folder.slice(folder.length + 1)]);
  });
});

long.test("report replaces the one of the same day, finishes an interrupted one, and removes old ones", async () => {
  await withReport(async ({ workflow, folder, disk }) => {
    fill(disk, 10);
    const config = { folder, charts: "disk-usage/readings/used", span: "1d", keep: "3d" };
    const first = await workflow.run({ config });
    const path = first.messages[1]?.meta.folder;
    Deno.writeTextFileSync(`${path}/report.md`, "old");
    Deno.mkdirSync(`${path.replace("/report-", "/.report-")}.part`);
    for (const name of ["report-2001-01-01", "mine-2001-01-01"]) Deno.mkdirSync(`${folder}/${name}`);
    const { messages, error } = await workflow.run({ config, messages: first.messages.slice(0, 1) });
    assert.equal(error, null, error?.message);
    assert.deepEqual(messages[1]?.meta.removed, ["report-2001-01-01"]);
    assert.equal(Deno.readTextFileSync(`${path}/report.md`), first.messages[1]?.content);
    const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
    assert.deepEqual(names, ["mine-2001-01-01", path.slice(folder.length + 1)]);
  });
});

long.test("report names what it cannot read", async () => {
  await withReport(async ({ workflow, folder }) => {
    const failed = async (charts: string, more = {}) =>
      (await workflow.run({ config: { folder, charts, ...more } })).error?.message ?? "";
    assert.match(await failed("cpu-usage/readings/used"), /list cpu-usage under workflows\.NAME\.peers/);
    assert.match(await failed("disk-usage/readings/wrong"), /no such column/);
    assert.match(await failed("disk usage"), /config\.charts must hold/);
    assert.match(await failed("disk-usage/readings/used", { timezone: "Nowhere" }), /RangeError|time zone/i);
  });
});

long.test("report fails with NotCapable without its grant", async () => {
  await using workflow = new TestWorkflow("report", {});
  const messages = [{
    ...{ round: 1, role: "collect", content: "", ts: 0 },
    meta: { title: "t", day: "2026-01-05", sinceMs: 0, untilMs: 1, timezone: "UTC", series: [], missing: [] },
  }];
  const { error } = await workflow.run({ config: { folder: "/srv/report", charts: "a/b/c" }, messages });
  assert.equal(error?.name, "NotCapable", error?.message);
});
