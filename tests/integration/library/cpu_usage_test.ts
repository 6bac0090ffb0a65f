/** cpu-usage against this machine, in its sandbox. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { TestSense, valueOf } from "../../support/library.ts";
import { needsItsGrants } from "../../support/sense_outcome.ts";

/** A process that uses up this much processor time, then says so and ends. */
async function burn(cpuMs: number): Promise<void> {
  const code = `const end = process.cpuUsage(); for (;;) { const { user, system } = process.cpuUsage(end);
    if (user + system > ${cpuMs} * 1000) break; }`;
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", `import process from "node:process";${code}`],
  })
    .output();
  assert.ok(success);
}

function procStat(): { busy: number; total: number } {
  const [line = ""] = Deno.readTextFileSync("/proc/stat").split("\n");
  const ticks = line.split(/ +/).slice(1, 9).map(Number);
  const total = ticks.reduce((sum, each) => sum + each, 0);
  return { busy: total - (ticks[3] ?? 0) - (ticks[4] ?? 0), total };
}

Deno.test("cpu-usage reports what a busy core used, and agrees with /proc/stat", async () => {
  await using sense = new TestSense("cpu-usage");
  const first = valueOf(await sense.compute());
  assert.ok(first.windowMs >= 450, "the first compute takes two samples of its own");
  assert.equal(first.cores.length, navigator.hardwareConcurrency);
  // The two do not look in the very same moment, and others use the machine too: one of a few times they must agree.
  const differences: string[] = [];
  for (let agree = false; !agree;) {
    const before = procStat();
    await burn(800);
    const second = valueOf(await sense.compute());
    const after = procStat();
    const busyMs = second.used * second.cores.length * second.windowMs;
    assert.ok(busyMs >= 700, `800 ms of processor time were used, it saw ${busyMs} ms`);
    assert.ok(second.cores.every((core: number) => core >= 0 && core <= 1), "shares lie within 0 and 1");
    assert.equal(second.load.length, 3);
    const expected = (after.busy - before.busy) / (after.total - before.total);
    differences.push(`it saw ${second.used}, /proc/stat says ${expected}`);
    agree = Math.abs(second.used - expected) < 0.15;
    assert.ok(agree || differences.length < 6, differences.join("; "));
  }
});

Deno.test("cpu-usage reckons from the counters it stored", async () => {
  await using sense = new TestSense("cpu-usage");
  valueOf(await sense.compute());
  const db = new DatabaseSync(sense.database);
  // As if that compute had been three seconds earlier: the next one covers the whole time since.
  db.exec("update counters set ts = ts - 3000");
  db.close();
  const { windowMs } = valueOf(await sense.compute());
  assert.ok(windowMs >= 3_000 && windowMs < 60_000, `the window is ${windowMs} ms`);
});

Deno.test("cpu-usage takes two fresh samples after a reboot or a long pause", async () => {
  await using sense = new TestSense("cpu-usage");
  for (const change of ["busy_ms = busy_ms + 1000000000000, ts = ts - 90000", "ts = ts - 660000", "ts = ts + 60000"]) {
    valueOf(await sense.compute());
    const db = new DatabaseSync(sense.database);
    db.exec(`update counters set ${change}`);
    db.close();
    const { windowMs } = valueOf(await sense.compute());
    assert.ok(windowMs > 0 && windowMs < 60_000, `after "${change}" the window is ${windowMs} ms`);
  }
});

Deno.test("cpu-usage ends at once when its signal aborts", async () => {
  const outcomes: string[] = [];
  // It takes half a second: where this thread gets no turn for so long, the abort comes too late.
  while (outcomes.length < 6 && outcomes.at(-1) !== "AbortError") {
    await using sense = new TestSense("cpu-usage");
    const outcome = await sense.compute({}, { abortAfterMs: 50 });
    outcomes.push(outcome.kind === "error" ? outcome.name : outcome.kind);
  }
  assert.equal(outcomes.at(-1), "AbortError", outcomes.join());
});

Deno.test("cpu-usage works with the grants of its README and says NotCapable without", () => {
  return needsItsGrants("cpu-usage", "sys");
});
