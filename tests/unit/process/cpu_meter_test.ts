import assert from "node:assert/strict";
import { idleBurnMs, memoryWatchMs } from "../../../src/base/limits.ts";
import { CpuMeter, idleBurnEndMs } from "../../../src/process/cpu_meter.ts";

/**
 * Meters a process that uses `share` of a core over `seconds`, and is busy for `busyShare` of that time; in a compute
 * it uses as much as it wants, here all of both cores.
 */
function meterOf(share: number, busyShare = 0, seconds = 60): { toldAt: number | null; overAt: number | null } {
  const meter = new CpuMeter(2), result = { toldAt: null as number | null, overAt: null as number | null };
  let cpuMs = 0, busyMs = 0;
  for (let ms = 0; ms <= seconds * 1_000; ms += memoryWatchMs) {
    const what = meter.sample(Math.round(cpuMs / 10), ms, busyMs);
    if (what === "burning") result.toldAt ??= ms;
    if (what === "over") result.overAt ??= ms;
    busyMs += memoryWatchMs * busyShare;
    cpuMs += memoryWatchMs * (busyShare * 2 + (1 - busyShare) * share);
  }
  return result;
}

Deno.test("processor time outside of any compute is told, and then ended, the sooner the more cores it takes", () => {
  const one = meterOf(1), two = meterOf(2);
  assert.ok(one.toldAt !== null && one.toldAt > idleBurnMs && one.toldAt < 2 * idleBurnMs, `${one.toldAt}`);
  assert.ok(one.overAt !== null && one.overAt > idleBurnEndMs && one.overAt < 2 * idleBurnEndMs, `${one.overAt}`);
  assert.ok(two.overAt !== null && two.overAt < one.overAt);
  assert.ok(meterOf(0.5).overAt !== null);
});

Deno.test("a little of it is free, however long it lasts, and so is whatever a compute takes", () => {
  assert.deepEqual(meterOf(0.04, 0, 3_600), { toldAt: null, overAt: null });
  for (const busyShare of [0.1, 0.5, 1]) assert.deepEqual(meterOf(0, busyShare, 600), { toldAt: null, overAt: null });
});

Deno.test("short computes again and again hide no processor time between them", () => {
  assert.ok(meterOf(1, 0.1).overAt !== null);
  assert.ok(meterOf(2, 0.5).overAt !== null);
});
