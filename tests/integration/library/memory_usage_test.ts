/** memory-usage against this machine, in its sandbox. */
import assert from "node:assert/strict";
import { parseMeminfo, withinLimit } from "../../../senses/memory-usage/meminfo.ts";
import { TestSense, valueOf } from "../../support/library.ts";
import { long } from "../../support/long_form.ts";
import { computeMounted } from "../../support/mounted_sense.ts";
import { canMount } from "../../support/mounts.ts";
import { needsItsGrants, rowsOf } from "../../support/sense_outcome.ts";

Deno.test("memory-usage agrees with /proc/meminfo", async () => {
  await using sense = new TestSense("memory-usage");
  // Other tests allocate and free much memory at any time: the available memory must agree in one of a few attempts.
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
  const [row] = rowsOf(sense.database, "select total_bytes, available_bytes from readings order by id desc");
  assert.deepEqual({ ...row }, { total_bytes: usage.totalBytes, available_bytes: usage.availableBytes });
});

long.test("memory-usage works with the grants of its README and fails with NotCapable without", () => {
  return needsItsGrants("memory-usage", "sys");
});

long.test({
  name: "memory-usage takes all figures from the container, also where only /proc/meminfo is the container's (lxcfs)",
  ignore: !canMount,
  fn: async () => {
    const text =
      "MemTotal: 2097152 kB\nMemFree: 100000 kB\nMemAvailable: 1900000 kB\nSwapTotal: 524288 kB\nSwapFree: 400000 kB\n";
    const outcome = await computeMounted({ sense: "memory-usage", files: { "/proc/meminfo": text } });
    const { used, totalBytes, availableBytes, swapUsed } = valueOf(outcome);
    assert.deepEqual([used, totalBytes, availableBytes, swapUsed], [0.094, 2 ** 31, 1_945_600_000, 0.2371]);
  },
});

Deno.test("memory-usage tells the limit of a container and what is left of it", () => {
  const machine = { total: 64 * gib, available: 40 * gib, swapTotal: 8 * gib, swapFree: 6 * gib, limit: null };
  const container = { limit: 2 * gib, used: gib / 2, swapLimit: gib, swapUsed: gib / 4 };
  assert.deepEqual(withinLimit(machine, container), {
    ...{ total: 2 * gib, available: 1.5 * gib, swapTotal: gib, swapFree: 0.75 * gib, limit: 2 * gib },
  });
  assert.equal(withinLimit({ ...machine, available: gib }, container).available, gib, "the machine has less");
  assert.equal(withinLimit(machine, { ...container, used: 3 * gib }).available, 0);
  assert.equal(withinLimit(machine, { ...container, limit: 2 ** 63 }), machine, "no limit");
  assert.equal(withinLimit(machine, { ...container, swapLimit: null }).swapTotal, 8 * gib);
});

Deno.test("memory-usage refuses figures that cannot be true", () => {
  assert.throws(
    () => parseMeminfo("MemTotal: 10 kB\nMemAvailable: 20 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n"),
    /more available/,
  );
  assert.throws(() => parseMeminfo("MemTotal: 10 kB\nMemFree: 5 kB\n"), /has no MemAvailable/);
  const odd = (total: number, swapFree: string) =>
    `MemTotal: ${total} kB\nMemAvailable: 0 kB\nSwapTotal: 8 kB\nSwapFree: ${swapFree} kB\n`;
  assert.throws(() => parseMeminfo(odd(0, "8")), /no memory at all/);
  // As lxcfs tells it when less than nothing is used.
  assert.equal(parseMeminfo(odd(10, "18446744073709551612")).swapFree, 8 * 1024);
});

const gib = 1024 ** 3;
