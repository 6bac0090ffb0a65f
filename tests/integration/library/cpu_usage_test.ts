/** cpu-usage against this machine, in its sandbox. */
import assert from "node:assert/strict";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { parseStat } from "../../../senses/cpu-usage/counters.ts";
import { TestSense, valueOf } from "../../support/library.ts";
import { long } from "../../support/long_form.ts";
import { needsItsGrants, rowsOf } from "../../support/sense_outcome.ts";

/** A process that uses so much processor time, reports it and ends. */
async function burn(cpuMs: number): Promise<void> {
  const code = `const end = process.cpuUsage(); for (;;) { const { user, system } = process.cpuUsage(end);
    if (user + system > ${cpuMs} * 1000) break; }`;
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", `import process from "node:process";${code}`],
  })
    .output();
  assert.ok(success);
}

/** Milliseconds that each core has been busy since the machine was started. */
function busyNow(): number[] {
  return parseStat(Deno.readTextFileSync("/proc/stat")).map(({ busyMs }) => busyMs);
}

interface Counters {
  readonly ts: number;
  readonly cores: readonly { readonly busyMs: number; readonly idleMs: number }[];
}

/** The result of the last compute. */
function counted(sense: TestSense): Counters {
  const rows = rowsOf(sense.database, "select ts, busy_ms, idle_ms from counters order by core");
  return {
    ts: Number(rows[0]?.ts),
    cores: rows.map(({ busy_ms, idle_ms }) => ({ busyMs: Number(busy_ms), idleMs: Number(idle_ms) })),
  };
}

/** Computes, and fails unless the sense's count lies between this process's counts before and after it. */
async function looked(sense: TestSense) {
  const before = busyNow(), usage = valueOf(await sense.compute()), after = busyNow(), found = counted(sense);
  assert.equal(found.cores.length, before.length);
  for (const [core, { busyMs }] of found.cores.entries()) {
    const [least = NaN, most = NaN] = [before[core], after[core]];
    assert.ok(least <= busyMs && busyMs <= most, `core ${core}: ${busyMs}, not ${least} to ${most}`);
  }
  return { usage, found };
}

long.test("cpu-usage reports a busy core, and agrees with the machine's own counters", async () => {
  await using sense = new TestSense("cpu-usage");
  const first = await looked(sense);
  assert.ok(first.usage.windowMs >= 450, "the first compute takes two samples of its own");
  await burn(800);
  const { usage, found } = await looked(sense);
  const spans = found.cores.map((now, core) => {
    const before = first.found.cores[core] ?? now;
    return now.busyMs - before.busyMs + Math.max(0, now.idleMs - before.idleMs);
  });
  assert.equal(usage.windowMs, Math.max(...spans));
  let busyMs = 0, totalMs = 0;
  for (const [core, now] of found.cores.entries()) {
    busyMs += now.busyMs - (first.found.cores[core]?.busyMs ?? 0);
    totalMs += usage.windowMs;
    assert.ok(usage.cores[core] >= 0 && usage.cores[core] <= 1, "shares lie within 0 and 1");
  }
  assert.ok(busyMs >= 700, `800 ms of processor time were used, it saw ${busyMs} ms`);
  assert.ok(Math.abs(usage.used - busyMs / totalMs) < 0.001, `it says ${usage.used} of ${busyMs} in ${totalMs} ms`);
  assert.equal(usage.load.length, 3);
});

/** The counters as an earlier compute would have left them. */
function change(sense: TestSense, set: string): void {
  using db = openDatabase(sense.database);
  db.exec(`update counters set ${set}`);
}

Deno.test("cpu-usage computes from the counters it stored", async () => {
  await using sense = new TestSense("cpu-usage");
  valueOf(await sense.compute());
  // As if that compute had been ten seconds earlier: the next one covers the whole time since.
  change(sense, "ts = ts - 10000, idle_ms = idle_ms - 10000");
  assert.ok(valueOf(await sense.compute()).windowMs >= 10_000);
});

long.test("cpu-usage takes two fresh samples after a reboot, a long pause, or when the clock was set", async () => {
  await using sense = new TestSense("cpu-usage");
  for (const set of ["busy_ms = busy_ms + 1000000000000, ts = ts - 90000", "ts = ts - 660000", "ts = ts + 60000"]) {
    valueOf(await sense.compute());
    // Long enough ago for the next compute to use it.
    change(sense, "ts = ts - 1000, idle_ms = idle_ms - 1000");
    change(sense, set);
    const from = Date.now(), { windowMs } = valueOf(await sense.compute()), tookMs = Date.now() - from;
    // The counters step by 10 ms each.
    assert.ok(windowMs > 0 && windowMs <= tookMs + 50, `after "${set}" the window is ${windowMs} ms of ${tookMs}`);
  }
});

long.test("cpu-usage ends at once when its signal aborts", async () => {
  await using sense = new TestSense("cpu-usage");
  await sense.compute();
  // Between the two samples that it takes then.
  change(sense, "ts = ts - 660000");
  const outcome = await sense.compute({}, { aborted: true });
  assert.equal(outcome.kind === "error" && outcome.name, "AbortError", JSON.stringify(outcome));
});

long.test("cpu-usage works with the grants of its README and fails with NotCapable without", () => {
  return needsItsGrants("cpu-usage", "sys");
});
