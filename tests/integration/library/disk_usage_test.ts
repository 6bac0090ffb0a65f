/** disk-usage against this machine, in its sandbox. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { TestSense, valueOf } from "../../support/library.ts";
import { long } from "../../support/long_form.ts";
import { openMigrated } from "../../support/sense_database.ts";
import { needsItsGrants } from "../../support/sense_outcome.ts";
import { repository } from "../../support/source_files.ts";

long.test("disk-usage agrees with df, for a path with spaces, quotes and a line break", async () => {
  await using sense = new TestSense("disk-usage");
  const outer = Deno.makeTempDirSync();
  const folder = `${outer}/disk 'usage' \n "of" it`;
  Deno.mkdirSync(folder);
  try {
    const usage = valueOf(await sense.compute({ path: folder }));
    const df = await new Deno.Command("df", { args: ["-P", "-k", "--", folder], env: { LC_ALL: "C" } }).output();
    const [total, used] = new TextDecoder().decode(df.stdout).split("\n")[1]?.split(/ +/).slice(1, 3).map(Number) ?? [];
    assert.equal(usage.path, folder);
    assert.equal(usage.totalBytes, (total ?? 0) * 1024);
    assert.ok(Math.abs(usage.usedBytes - (used ?? 0) * 1024) < 1024 ** 3);
    assert.ok(usage.used >= 0 && usage.used <= 1);
  } finally {
    await Deno.remove(outer, { recursive: true });
  }
  const missing = await sense.compute({ path: "-no such path" });
  assert.ok(
    missing.kind === "error" && missing.message.startsWith("df failed for -no such path"),
    JSON.stringify(missing),
  );
});

Deno.test("disk-usage keeps its readings when their columns become wide enough for every file system", async () => {
  const folder = join(repository, "senses/disk-usage/migrations"), old = Deno.makeTempDirSync();
  try {
    Deno.mkdirSync(join(old, "migrations"));
    Deno.copyFileSync(join(folder, "0001_readings.sql"), join(old, "migrations/0001_readings.sql"));
    const before = await openMigrated(join(old, "sense.db"), join(old, "migrations"));
    before.sqlite.exec("insert into readings values (7, 1, '/', 'a', '/', 0.5, 2000, 1000, 1000)");
    before.sqlite.close();
    const { sqlite, problems } = await openMigrated(join(old, "sense.db"), folder);
    assert.deepEqual(problems, []);
    sqlite.prepare("insert into readings values (8, 2, '/s3', 'b', '/s3', 0, ?, 0, ?)").run(2 ** 64, 2 ** 64);
    const rows = sqlite.prepare("select id, total_bytes as total from readings order by ts").all();
    assert.deepEqual(rows.map(({ id, total }) => [id, total]), [[7, 2000], [8, 2 ** 64]]);
    sqlite.close();
  } finally {
    Deno.removeSync(old, { recursive: true });
  }
});

long.test("disk-usage starts the configured workflow only above its threshold", async () => {
  await using sense = new TestSense("disk-usage");
  assert.deepEqual(await sense.compute({ threshold: 1, workflow: "cleanup" }), { kind: "null" });
  const value = valueOf(await sense.compute({ path: "/", threshold: 0, workflow: "cleanup" }));
  const { prompt, ...directive } = value.workflow;
  assert.deepEqual(directive, { name: "cleanup", maxRounds: 10 });
  assert.match(prompt, /^\/ is \d+% full$/);
});

Deno.test("disk-usage works with the grants of its README and fails with NotCapable without", () => {
  return needsItsGrants("disk-usage", "run", { run: ["true"] });
});
