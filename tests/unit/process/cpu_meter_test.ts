import assert from "node:assert/strict";
import { idleBurnMs, memoryWatchMs } from "../../../src/base/limits.ts";
import { CpuMeter } from "../../../src/process/cpu_meter.ts";

/** Whether a process that uses `share` of a core over `seconds` is reported. */
function countReports(share: number, busy: (ms: number) => boolean, seconds = 10): number {
  const meter = new CpuMeter();
  let times = 0;
  for (let ms = 0; ms <= seconds * 1_000; ms += memoryWatchMs) if (meter.sample(ms * share / 10, ms, busy(ms))) times++;
  return times;
}

Deno.test("a core that is kept busy outside of any compute is reported once", () => {
  assert.equal(countReports(1, () => false), 1);
  assert.equal(countReports(2, () => false), 1);
  assert.equal(countReports(0.5, () => false), 0);
});

Deno.test("a compute may use any CPU time, and that time does not count afterwards", () => {
  assert.equal(countReports(1, () => true), 0);
  assert.equal(countReports(1, (ms) => ms % (idleBurnMs / 2) === 0), 0);
});
