/** smart with smartctl where no disk tells anything, and on reports, in its sandbox. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { hasProgram } from "../../support/debian.ts";
import { QuietSense, valueOf } from "../../support/library.ts";
import { long } from "../../support/long_form.ts";
import { ataAttributes, ataReport, nvmeReport, refusedReport } from "../../support/smart_reports.ts";

// Ignored only where Debian's smartmontools is neither there nor can be installed.
const ignore = !await hasProgram("smartctl", "smartmontools");

class Reports implements Disposable {
  readonly folder: string = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "nerve-smart-" }));

  write(name: string, report: unknown): string {
    Deno.writeTextFileSync(`${this.folder}/${name}`, JSON.stringify(report));
    return `${this.folder}/${name}`;
  }

  sense(): QuietSense {
    return new QuietSense("smart", { read: [this.folder] });
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.folder, { recursive: true });
  }
}

long.test("smart is silent while disks are well, tells what is wrong, and once that it is no more", async () => {
  using reports = new Reports();
  await using sense = reports.sense();
  const one = reports.write("one", ataReport()),
    two = reports.write("two", nvmeReport()),
    config = { files: [one, two] };
  assert.deepEqual(await sense.compute(config), { kind: "null" });
  reports.write(
    "one",
    ataReport(ataAttributes([5, "Reallocated_Sector_Ct", 190, 8], [197, "Current_Pending_Sector", 199, 2])),
  );
  reports.write("two", nvmeReport({ percentage_used: 95, critical_warning: 4 }, 8));
  const told = valueOf(await sense.compute({ ...config, workflow: "notify" }));
  assert.deepEqual(told.problems, [
    `${one}: 8 sectors replaced, 2 sectors that cannot be read`,
    `${two}: says that it is failing, it is no longer reliable, 95 % worn`,
  ]);
  assert.deepEqual(told.workflow, { name: "notify", prompt: told.problems.join(", "), maxRounds: 20 });
  assert.equal(valueOf(await sense.compute({ ...config, workflow: "notify" })).workflow, undefined);
  const limits = { max_reallocated: 8, max_pending: 2, max_wear: 95, max_temperature: 33 };
  const less = valueOf(await sense.compute({ ...config, ...limits, files: [one] }));
  assert.deepEqual(less.problems, [`${one}: 34 °C`]);
  reports.write("one", ataReport());
  assert.deepEqual(valueOf(await sense.compute({ files: [one] })).problems, []);
  assert.deepEqual(await sense.compute({ files: [one] }), { kind: "null" });
});

long.test("smart keeps what was wrong with a disk while it sleeps", async () => {
  using reports = new Reports();
  await using sense = reports.sense();
  const asleep = refusedReport(3, "Device is in STANDBY mode, exit(3)");
  const one = reports.write("one", asleep), config = { files: [one] };
  assert.deepEqual(await sense.compute(config), { kind: "null" });
  reports.write("one", ataReport({ smart_status: { passed: false } }, 8));
  assert.equal(valueOf(await sense.compute(config)).ok, false);
  reports.write("one", asleep);
  for (let times = 0; times < 2; times++) {
    const [disk] = valueOf(await sense.compute(config)).disks;
    assert.deepEqual([disk.standby, disk.healthy, disk.problem], [true, null, "says that it is failing"]);
  }
  reports.write("one", ataReport());
  assert.equal(valueOf(await sense.compute(config)).ok, true);
  reports.write("one", asleep);
  assert.deepEqual(await sense.compute(config), { kind: "null" });
});

long.test("smart tells a report that is old, missing or none, and the other disks all the same", async () => {
  using reports = new Reports();
  await using sense = reports.sense();
  const old = ataReport({ local_time: { time_t: Math.floor(Date.now() / 1_000) - 3 * 86_400 } });
  const one = reports.write("one", old), none = reports.write("none", "");
  const told = valueOf(await sense.compute({ files: [one] }));
  assert.match(told.problems[0], /: the report is 3d(?:1m)? old$/);
  assert.equal(valueOf(await sense.compute({ files: [one], max_age: "4d" })).ok, true);
  // The bug was: one bad report, and nothing was told of the other disks.
  const bad = valueOf(await sense.compute({ files: [none, `${reports.folder}/missing`, one], max_age: "4d" }));
  assert.match(bad.problems[0], /^\/.*\/none.*: this is no report of smartctl/);
  assert.match(bad.problems[1], /^\/.*\/missing: No such file/);
  assert.deepEqual([bad.problems.length, bad.disks.length, bad.disks[2].problem], [2, 3, null]);
});

long.test({
  name: "smart asks smartctl, which says that a device is none",
  ignore,
  fn: async () => {
    const devices = ["/dev/null", "/dev/no-such-disk"];
    const grants = { run: ["smartctl"], read: [...devices, "/var/lib/smartmontools"], write: devices };
    await using sense = new QuietSense("smart", grants);
    const { problems, disks } = valueOf(await sense.compute({ devices: ["/dev/null", "/dev/no-such-disk sat"] }));
    assert.equal(disks.length, 2);
    assert.match(problems[0], /^\/dev\/null: cannot be asked: \/dev\/null: Unable to detect device type/);
    assert.match(problems[1], /^\/dev\/no-such-disk: cannot be asked: .*No such/);
    assert.throws(() => Deno.lstatSync("/dev/no-such-disk"), Deno.errors.NotFound, "nothing is in the way of a disk");
    await using blind = new QuietSense("smart", { run: ["smartctl"], read: ["/dev/null"] });
    const outcome = await blind.compute({ devices: "/dev/null" });
    assert.ok(
      outcome.kind === "value" || /its list of drives/.test(JSON.stringify(outcome)),
      "without Landlock it reads it",
    );
  },
});

long.test("smart rejects what is not a device", async () => {
  await using sense = new QuietSense("smart", {});
  for (
    const config of [{}, { devices: "sda" }, { devices: "/dev/sda -x" }, { devices: "/dev/sda sat more" }, {
      files: "report",
    }]
  ) {
    const outcome = await sense.compute(config);
    assert.ok(
      outcome.kind === "error" && /must name devices|is not a device|must be absolute/.test(outcome.message),
      JSON.stringify(outcome),
    );
  }
});

long.test("smart fails with NotCapable without its grants", async () => {
  using reports = new Reports();
  const file = reports.write("one", ataReport());
  for (
    const [grants, config] of [[{}, { devices: "/dev/null" }], [{ read: ["/dev/null"] }, { devices: "/dev/null" }], [
      {},
      { files: file },
    ]] as const
  ) {
    await using sense = new QuietSense("smart", grants);
    const outcome = await sense.compute(config);
    assert.equal(outcome.kind === "error" && outcome.name, "NotCapable", JSON.stringify(outcome));
  }
});

long.test("smart deletes rows older than keep", async () => {
  using reports = new Reports();
  await using sense = reports.sense();
  const files = [reports.write("one", ataReport())];
  await sense.compute({ files });
  const db = new DatabaseSync(sense.database);
  db.exec("update disks set ts = ts - 2 * 86400000");
  await sense.compute({ files, keep: "1d" });
  assert.equal(db.prepare("select count(*) as n from disks").get()?.n, 1);
  db.close();
});
