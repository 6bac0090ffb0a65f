/** temperature on files as Linux has them, in its sandbox: machines for tests have no sensors of their own. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { dirname } from "node:path";
import type { Temperature } from "../../../senses/temperature/index.ts";
import { QuietSense, valueOf } from "../../support/library.ts";
import { long } from "../../support/long_form.ts";
import { computeMounted } from "../../support/mounted_sense.ts";
import { canMount } from "../../support/mounts.ts";

type Files = Record<string, string>;

/** A folder in place of /sys/class. */
class Sensors implements Disposable {
  readonly folder: string = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "nerve-sensors-" }));

  constructor(files: Files) {
    this.write(files);
  }

  write(files: Files): void {
    for (const [path, text] of Object.entries(files)) {
      Deno.mkdirSync(dirname(`${this.folder}/${path}`), { recursive: true });
      Deno.writeTextFileSync(`${this.folder}/${path}`, `${text}\n`);
    }
  }

  sense(): QuietSense {
    return new QuietSense("temperature", { read: [this.folder] });
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.folder, { recursive: true });
  }
}

const at = (folder: string, files: Files): Files =>
  Object.fromEntries(Object.entries(files).map(([name, text]) => [`${folder}/${name}`, text]));

const coretemp = {
  name: "coretemp",
  temp1_label: "Package id 0",
  temp1_input: "48000",
  temp1_max: "84000",
  temp1_crit: "100000",
};
const nvme = { name: "nvme", temp1_label: "Composite", temp1_input: "41850", temp1_max: "81850", temp1_crit: "84850" };

const toPairs = ({ sensors }: Pick<Temperature, "sensors">) =>
  Object.fromEntries(sensors.map(({ sensor, celsius }) => [sensor, celsius]));

Deno.test("temperature is silent while it is cool, tells what is too hot, and once when it is clearly cooler again", async () => {
  using machine = new Sensors(at("hwmon/hwmon0", coretemp));
  await using sense = machine.sense();
  const { folder } = machine, input = (text: string) => machine.write({ "hwmon/hwmon0/temp1_input": text });
  assert.deepEqual(await sense.compute({ folder }), { kind: "null" });
  input("94900");
  assert.deepEqual(await sense.compute({ folder }), { kind: "null" });
  for (const [millidegrees, celsius] of [["97000", 97], ["95000", 95], ["92049", 92]] as const) {
    input(millidegrees);
    const hot = valueOf(await sense.compute({ folder }));
    assert.deepEqual([hot.ok, hot.hottest, hot.problems], [false, "coretemp/Package id 0", [
      `coretemp/Package id 0: ${celsius} °C, limit 95 °C`,
    ]]);
  }
  input("91900");
  const cool = valueOf(await sense.compute({ folder }));
  assert.deepEqual([cool.ok, cool.problems, cool.sensors], [true, [], [
    { sensor: "coretemp/Package id 0", celsius: 91.9, limit: 95, limitCelsius: 95, problem: null },
  ]]);
  assert.deepEqual(await sense.compute({ folder }), { kind: "null" });
  assert.equal(valueOf(await sense.compute({ folder, always: true })).ok, true);
  input("93000");
  assert.deepEqual(await sense.compute({ folder }), { kind: "null" }, "below the limit, not yet too hot again");
});

long.test("temperature starts a workflow once for what has just become too hot", async () => {
  using machine = new Sensors({ ...at("hwmon/hwmon0", coretemp), ...at("hwmon/hwmon1", nvme) });
  await using sense = machine.sense();
  const config = { folder: machine.folder, max: 60, own_limits: false, workflow: "notify" };
  assert.deepEqual(await sense.compute(config), { kind: "null" });
  machine.write({ "hwmon/hwmon0/temp1_input": "70000" });
  const { workflow } = valueOf(await sense.compute(config));
  assert.deepEqual(workflow, { name: "notify", prompt: "coretemp/Package id 0: 70 °C, limit 60 °C", maxRounds: 20 });
  assert.equal(valueOf(await sense.compute(config)).workflow, undefined);
  machine.write({ "hwmon/hwmon1/temp1_input": "60000" });
  const second = valueOf(await sense.compute(config));
  assert.equal(second.workflow.prompt, "nvme/Composite: 60 °C, limit 60 °C");
  assert.equal(second.problems.length, 2);
});

long.test("temperature calls a sensor the same when the numbers change, and tells two chips of one name apart", async () => {
  const one = at("hwmon/hwmon1", { ...nvme, "device/address": "0000:01:00.0" });
  const two = at("hwmon/hwmon2", {
    ...nvme,
    temp1_input: "50000",
    "device/uevent": "DRIVER=nvme\nPCI_SLOT_NAME=0000:02:00.0",
  });
  const cpus = { ...at("hwmon/hwmon3", coretemp), ...at("hwmon/hwmon10", { ...coretemp, temp1_input: "60000" }) };
  using machine = new Sensors({ ...one, ...two, ...cpus });
  await using sense = machine.sense();
  const first = toPairs(valueOf(await sense.compute({ folder: machine.folder, always: true })));
  assert.deepEqual(first, {
    "coretemp(1)/Package id 0": 48,
    "coretemp(2)/Package id 0": 60,
    "nvme(0000:01:00.0)/Composite": 41.9,
    "nvme(0000:02:00.0)/Composite": 50,
  });
  Deno.renameSync(`${machine.folder}/hwmon/hwmon1`, `${machine.folder}/hwmon/hwmon7`);
  Deno.renameSync(`${machine.folder}/hwmon/hwmon2`, `${machine.folder}/hwmon/hwmon1`);
  assert.deepEqual(toPairs(valueOf(await sense.compute({ folder: machine.folder, always: true }))), first);
  const named = { folder: machine.folder, always: true, sensors: ["nvme/*"], ignore: ["*02:00.0)*"] };
  assert.deepEqual(toPairs(valueOf(await sense.compute(named))), { "nvme(0000:01:00.0)/Composite": 41.9 });
});

long.test("temperature believes no reading that is none, and no limit that means none", async () => {
  const inputs = [
    "0",
    "-128000",
    "-274000",
    "127000",
    "255000",
    "511000",
    "3892313987",
    "65261850",
    "",
    "45.5",
    "none",
    "-12500",
  ];
  const files = Object.fromEntries(inputs.map((text, index) => [`temp${index + 1}_input`, text]));
  using machine = new Sensors(at("hwmon/hwmon0", {
    name: "nct6793",
    ...files,
    ...{ temp20_input: "40000", temp20_fault: "1", temp21_input: "40000", temp21_enable: "0" },
    ...{
      temp22_input: "40000",
      temp22_crit: "0",
      temp22_max: "-273150",
      temp23_input: "40000",
      temp23_crit: "65261850",
    },
  }));
  // A folder in place of a file: a reading that fails.
  Deno.mkdirSync(`${machine.folder}/hwmon/hwmon0/temp24_input`);
  await using sense = machine.sense();
  const found = valueOf(await sense.compute({ folder: machine.folder, always: true }));
  assert.deepEqual([found.ok, found.sensors.length], [true, inputs.length + 5]);
  const pairs = Object.entries(toPairs(found)).filter(([, celsius]) => celsius !== null);
  assert.deepEqual(Object.fromEntries(pairs), { "nct6793/temp12": -12.5, "nct6793/temp22": 40, "nct6793/temp23": 40 });
  assert.deepEqual(found.sensors.filter(({ limit }: { limit: unknown }) => limit !== null), []);
});

long.test("temperature wants of the sensors that are named that they are there and tell something", async () => {
  using machine = new Sensors({
    ...at("hwmon/hwmon0", { ...coretemp, temp1_input: "0" }),
    ...at("hwmon/hwmon1", nvme),
  });
  await using sense = machine.sense();
  const { folder } = machine, sensors = ["coretemp/*", "nvme/Composite", "k10temp/Tctl"];
  assert.deepEqual(await sense.compute({ folder }), { kind: "null" });
  const found = valueOf(await sense.compute({ folder, sensors }));
  assert.deepEqual(found.problems, [
    "coretemp/Package id 0: tells no temperature",
    "k10temp/Tctl: there is no such sensor",
  ]);
});

long.test("temperature reads thermal zones with their critical limits, and those once that are chips as well", async () => {
  const trips = { trip_point_0_type: "passive", trip_point_0_temp: "60000", trip_point_1_type: "critical" };
  using machine = new Sensors({
    ...at("thermal/thermal_zone0", { type: "cpu-thermal", temp: "61000", ...trips, trip_point_1_temp: "110000" }),
    ...at("thermal/thermal_zone1", { type: "x86-pkg", temp: "50000" }),
    ...at("thermal/thermal_zone2", { type: "iwlwifi_1" }),
    ...at("thermal/cooling_device0", { type: "Processor" }),
    ...at("hwmon/hwmon0", { name: "x86_pkg", temp1_input: "50000" }),
    ...at("hwmon/hwmon1", { name: "BAT0", in0_input: "12000" }),
    // An old driver.
    ...at("hwmon/hwmon2", { "device/name": "w83627", "device/temp1_input": "33000" }),
  });
  await using sense = machine.sense();
  const { sensors } = valueOf(await sense.compute({ folder: machine.folder, always: true }));
  assert.deepEqual(
    sensors.map(({ sensor, celsius, limit }: Record<string, unknown>) => [sensor, celsius, limit]),
    [["thermal/cpu-thermal", 61, 105], ["thermal/iwlwifi_1", null, null], ["w83627/temp1", 33, null], [
      "x86_pkg/temp1",
      50,
      null,
    ]],
  );
});

long.test({
  name: "temperature reads /sys with the grants of its README, where a driver may refuse to answer",
  ignore: !canMount,
  fn: async () => {
    const device = "/sys/devices/virtual/mem", hwmon = `${device}/coretemp.0/hwmon/hwmon4`;
    const chip = at("coretemp.0/hwmon/hwmon4", { ...coretemp, temp2_input: "", temp2_label: "Core 0" });
    const folders = { "/sys/class": { "hwmon/hwmon4": { link: hwmon } }, [device]: chip };
    // Of the loopback interface Linux tells no speed: reading that file fails.
    const same = { [`${hwmon}/temp2_input`]: "/sys/devices/virtual/net/lo/speed" };
    const found = await computeMounted({ sense: "temperature", config: { always: true }, folders, same });
    assert.deepEqual(toPairs(valueOf(found)), { "coretemp/Core 0": null, "coretemp/Package id 0": 48 });
  },
});

long.test("temperature says that a machine has no sensors", async () => {
  using machine = new Sensors({ "thermal/cooling_device0/type": "Processor" });
  await using sense = machine.sense();
  const outcome = await sense.compute({ folder: machine.folder });
  assert.ok(outcome.kind === "error" && /holds no temperature sensor/.test(outcome.message), JSON.stringify(outcome));
  const relative = await sense.compute({ folder: "sys" });
  assert.ok(relative.kind === "error" && /must be absolute/.test(relative.message));
});

long.test("temperature fails with NotCapable without its grants", async () => {
  using machine = new Sensors(at("hwmon/hwmon0", coretemp));
  for (
    const [grants, folder] of [[{}, "/sys/class"], [{ read: ["/sys/class/hwmon"] }, "/sys/class"], [
      {},
      machine.folder,
    ]] as const
  ) {
    await using sense = new QuietSense("temperature", grants);
    const outcome = await sense.compute({ folder });
    assert.equal(outcome.kind === "error" && outcome.name, "NotCapable", JSON.stringify(outcome));
  }
});

long.test("temperature deletes readings older than keep", async () => {
  using machine = new Sensors(at("hwmon/hwmon0", coretemp));
  await using sense = machine.sense();
  await sense.compute({ folder: machine.folder });
  const db = new DatabaseSync(sense.database);
  db.exec("update readings set ts = ts - 2 * 86400000");
  await sense.compute({ folder: machine.folder, keep: "1d" });
  assert.equal(db.prepare("select count(*) as n from readings").get()?.n, 1);
  db.close();
});
