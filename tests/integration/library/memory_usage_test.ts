/** memory-usage against this machine, in its sandbox. */
import assert from "node:assert/strict";
import { TestSense, valueOf } from "../../support/library.ts";
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

Deno.test("memory-usage works with the grants of its README and fails with NotCapable without", () => {
  return needsItsGrants("memory-usage", "sys");
});
