/** load against this machine, in its sandbox. */
import assert from "node:assert/strict";
import { parsePressure } from "../../../senses/load/pressure.ts";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { QuietSense, valueOf } from "../../support/library.ts";
import { long } from "../../support/long_form.ts";
import { computeMounted } from "../../support/mounted_sense.ts";
import { canMount } from "../../support/mounts.ts";
import { rowsOf } from "../../support/sense_outcome.ts";

function readOrNull(path: string): string | null {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return null;
  }
}
const group = readOrNull("/sys/fs/cgroup/cpu.pressure"), machine = readOrNull("/proc/pressure/cpu");

long.test("load tells what the machine's own files tell, or why there is no pressure", async () => {
  await using sense = new QuietSense("load");
  const told = valueOf(await sense.compute({ always: true, max_load: 1e6 }));
  const now = (readOrNull("/proc/loadavg") ?? "").split(" ").map(Number);
  // The averages change every 5 seconds, by a fraction.
  assert.ok(Math.abs(told.load[2] - (now[2] ?? NaN)) < 2, `${told.load} and ${now}`);
  assert.equal(told.cpus, Deno.readTextFileSync("/proc/stat").match(/^cpu\d+ /gm)?.length);
  assert.equal(told.perCpu[0], Math.round((told.load[0] / told.cpus) * 100) / 100);
  if (group === null && machine === null) {
    assert.equal(told.pressure, null);
    assert.match(told.noPressure, /psi|PSI/);
    return;
  }
  assert.equal(told.noPressure, null);
  assert.equal(told.pressure.of, group === null ? "machine" : "group");
  if (group === null) assert.equal(told.pressure.cpu.full, null);
  const { some } = parsePressure(group ?? machine ?? "");
  for (const [at, share] of told.pressure.cpu.some.entries()) {
    assert.ok(share >= 0 && share <= 1 && Math.abs(share - (some[at] ?? NaN)) < 0.5, `${share} and ${some[at]}`);
  }
});

long.test({
  name: "load tells what a container sees of load and processors, and the pressure of an old Linux",
  ignore: !canMount || machine === null || group !== null,
  async fn() {
    const files = {
      "/proc/loadavg": "1.00 6.00 3.00 1/100 7\n",
      "/proc/stat": "cpu  1 1 1 1\ncpu0 1 1 1 1\ncpu3 1 1 1 1\n",
      // Before 5.13 there is no second line.
      "/proc/pressure/cpu": "some avg10=2.65 avg60=2.78 avg300=2.92 total=111749368752\n",
      "/proc/pressure/memory":
        "some avg10=0.00 avg60=45.00 avg300=0.00 total=1\nfull avg10=0.00 avg60=1.00 avg300=0.00 total=1\n",
    };
    const told = valueOf(await computeMounted({ sense: "load", config: { max_memory_pressure: 0.4 }, files }));
    assert.deepEqual([told.cpus, told.perCpu], [2, [0.5, 3, 1.5]]);
    assert.deepEqual(told.pressure.cpu, { some: [0.0265, 0.0278, 0.0292], full: null });
    assert.deepEqual(told.problems, [
      "the load of 5 minutes is 3.00 for each processor, more than 2",
      "in 45% of the last minute tasks waited for memory, more than 40%",
    ]);
  },
});

long.test("load speaks while a limit is passed, once when it is not any more, and starts a workflow when it begins", async () => {
  await using sense = new QuietSense("load");
  const low = { max_load: 0 }, high = { max_load: 1e6 };
  assert.deepEqual(await sense.compute(high), { kind: "null" });
  const begun = valueOf(await sense.compute({ ...low, workflow: "notify" }));
  assert.equal(begun.workflow.name, "notify");
  assert.match(begun.workflow.prompt, /^the machine: the load of 5 minutes is /);
  assert.equal(valueOf(await sense.compute({ ...low, workflow: "notify" })).workflow, undefined);
  const over = valueOf(await sense.compute(high));
  assert.deepEqual([over.ok, over.problems], [true, []]);
  assert.deepEqual(await sense.compute(high), { kind: "null" });
  assert.equal(rowsOf(sense.database, "select 1 from readings").length, 5);
});

long.test("load deletes readings older than keep", async () => {
  await using sense = new QuietSense("load");
  await sense.compute();
  {
    using db = openDatabase(sense.database);
    db.exec("update readings set ts = ts - 2 * 86400000");
  }
  await sense.compute({ keep: "1d" });
  assert.equal(rowsOf(sense.database, "select 1 from readings").length, 1);
});

long.test("load fails with NotCapable without its grants", async () => {
  for (
    const [grants, access] of [[{ read: ["/proc/pressure"] }, "sys access"], [
      { sys: ["cpus", "loadavg"] },
      "read access",
    ]] as const
  ) {
    await using sense = new QuietSense("load", grants);
    const outcome = await sense.compute();
    assert.equal(outcome.kind === "error" && outcome.name, "NotCapable", JSON.stringify(outcome));
    assert.ok(outcome.kind === "error" && outcome.message.includes(access), JSON.stringify(outcome));
  }
});
