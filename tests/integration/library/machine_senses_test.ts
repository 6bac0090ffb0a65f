/** cpu-usage, memory-usage and disk-usage against this machine, in their sandbox. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { type Grants, type Outcome, TestSense } from "../../support/library.ts";

function valueOf(outcome: Outcome) {
  assert.equal(outcome.kind, "value", JSON.stringify(outcome));
  return outcome.kind === "value" ? outcome.value : null;
}

function rows(database: string, sql: string) {
  const db = new DatabaseSync(database, { readOnly: true });
  try {
    return db.prepare(sql).all();
  } finally {
    db.close();
  }
}

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

Deno.test("a threshold silences the signal below it and the reading is stored all the same", async () => {
  for (const name of ["cpu-usage", "memory-usage", "disk-usage"]) {
    await using sense = new TestSense(name);
    assert.deepEqual(await sense.compute({ threshold: 1 }), { kind: "null" }, name);
    assert.equal((await sense.compute({ threshold: 0 })).kind, "value", name);
    assert.equal(rows(sense.database, "select used from readings").length, 2, name);
  }
});

Deno.test("readings older than keep are deleted", async () => {
  for (const name of ["cpu-usage", "memory-usage", "disk-usage"]) {
    await using sense = new TestSense(name);
    await sense.compute();
    const db = new DatabaseSync(sense.database);
    db.exec("update readings set ts = ts - 2 * 86400000");
    db.close();
    await sense.compute({ keep: "3d" });
    assert.equal(rows(sense.database, "select 1 from readings").length, 2, name);
    await sense.compute({ keep: "1d" });
    assert.equal(rows(sense.database, "select 1 from readings").length, 2, `${name}: one deleted, one added`);
  }
});

Deno.test("a wrong config is refused with every mistake named", async () => {
  await using sense = new TestSense("disk-usage");
  const outcome = await sense.compute({ treshold: 1, threshold: "high", keep: "soon" });
  assert.equal(outcome.kind, "error");
  for (const word of ["config.treshold is not known", "config.threshold must be a number", "config.keep must be"]) {
    assert.ok(outcome.kind === "error" && outcome.message.includes(word), JSON.stringify(outcome));
  }
});

Deno.test("memory-usage agrees with /proc/meminfo", async () => {
  await using sense = new TestSense("memory-usage");
  // Other tests take and free much memory from one moment to the next: what is available must agree once in a few looks.
  let usage = valueOf(await sense.compute()), meminfo = Deno.readTextFileSync("/proc/meminfo");
  const bytesOf = (key: string) => Number(new RegExp(`^${key}: +(\\d+) kB`, "m").exec(meminfo)?.[1]) * 1024;
  assert.equal(usage.totalBytes, bytesOf("MemTotal"));
  assert.equal(usage.swapTotalBytes, bytesOf("SwapTotal"));
  const drift = () => Math.abs(usage.availableBytes - bytesOf("MemAvailable"));
  for (let looks = 1; drift() >= 512 * 1024 ** 2 && looks < 20; looks++) {
    usage = valueOf(await sense.compute());
    meminfo = Deno.readTextFileSync("/proc/meminfo");
  }
  assert.ok(drift() < 512 * 1024 ** 2, `it is ${drift()} bytes away from MemAvailable`);
  assert.ok(Math.abs(usage.used - (1 - usage.availableBytes / usage.totalBytes)) < 0.001);
  const [row] = rows(sense.database, "select total_bytes, available_bytes from readings order by id desc");
  assert.deepEqual({ ...row }, { total_bytes: usage.totalBytes, available_bytes: usage.availableBytes });
});

Deno.test("disk-usage says what df says, for a path with spaces, quotes and a line break", async () => {
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

Deno.test("disk-usage asks for the configured workflow above its threshold only", async () => {
  await using sense = new TestSense("disk-usage");
  assert.deepEqual(await sense.compute({ threshold: 1, workflow: "cleanup" }), { kind: "null" });
  const asked = valueOf(await sense.compute({ path: "/", threshold: 0, workflow: "cleanup" }));
  assert.match(asked.workflow, /^cleanup\|10\|\/ is \d+% full$/);
});

/** Works with what the README grants; without, fails with a message that names the missing access. */
async function needsItsGrants(name: string, missing: string, others: Grants = {}): Promise<void> {
  await using granted = new TestSense(name);
  assert.equal((await granted.compute()).kind, "value");
  await using bare = new TestSense(name, others);
  const outcome = await bare.compute();
  assert.equal(outcome.kind === "error" && outcome.name, "NotCapable", JSON.stringify(outcome));
  assert.ok(outcome.kind === "error" && outcome.message.includes(`${missing} access`), JSON.stringify(outcome));
}

Deno.test("cpu-usage works with the grants of its README and says NotCapable without", () => {
  return needsItsGrants("cpu-usage", "sys");
});

Deno.test("memory-usage works with the grants of its README and says NotCapable without", () => {
  return needsItsGrants("memory-usage", "sys");
});

Deno.test("disk-usage works with the grants of its README and says NotCapable without", () => {
  return needsItsGrants("disk-usage", "run", { run: ["true"] });
});
