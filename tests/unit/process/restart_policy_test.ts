import assert from "node:assert/strict";
import {
  backoffFirstMs,
  backoffMaxMs,
  deathsMax,
  deathWindowMs,
  idleDeathsMax,
  slowDeathsMax,
  slowDeathWindowMs,
} from "../../../src/base/limits.ts";
import { type Death, decideRestart, keepRecentDeaths } from "../../../src/process/restart_policy.ts";
import fc from "../../support/fast_check.ts";

const crashed = { kind: "exited", message: "exited with code 1" } as const;

/** Deaths at intervals of `ms`, the last of them now. */
function every(ms: number, count: number, worked: (index: number) => boolean): Death[] {
  return Array.from({ length: count }, (_, index) => ({ at: index * ms, worked: worked(index) }));
}

function reasonAfter(deaths: readonly Death[]): string | null {
  const restart = decideRestart(crashed, deaths, deaths.at(-1)?.at ?? 0, 0);
  return restart.kind === "quarantine" ? restart.reason : null;
}

Deno.test("decideRestart() waits twice as long after each death, up to a bound, then quarantines", () => {
  const deaths = every(1, deathsMax, () => true);
  for (let count = 1; count < deathsMax; count++) {
    const waitMs = Math.min(backoffMaxMs, backoffFirstMs * 2 ** (count - 1));
    assert.deepEqual(decideRestart(crashed, deaths.slice(0, count), count, 0), { kind: "backoff", waitMs });
  }
  assert.equal(reasonAfter(deaths), "died 5 times in 60 s, the last time it exited with code 1");
});

Deno.test("decideRestart() quarantines a unit that is over its quota at its first death", () => {
  const full = { kind: "disk_limit", message: "holds 2 GiB" } as const;
  assert.deepEqual(decideRestart(full, [], 0, 0), { kind: "quarantine", reason: "holds 2 GiB", full: true });
});

Deno.test("decideRestart() quarantines what takes a minute to die, sooner when it never finishes anything", () => {
  const apart = deathWindowMs - 1;
  assert.equal(reasonAfter(every(apart, idleDeathsMax - 1, () => false)), null);
  const inVain = reasonAfter(every(apart, idleDeathsMax, () => false));
  assert.equal(inVain, "died 6 times in 10 minutes without finishing anything, the last time it exited with code 1");
  assert.equal(reasonAfter(every(apart, slowDeathsMax - 1, () => true)), null);
  const often = reasonAfter(every(apart, slowDeathsMax, () => true));
  assert.equal(often, "died 10 times in 10 minutes, the last time it exited with code 1");
});

Deno.test("decideRestart() starts anew with a short wait when a unit has not died for a minute", () => {
  const deaths = every(deathWindowMs, 3, () => true);
  assert.deepEqual(decideRestart(crashed, deaths, 2 * deathWindowMs, 0), { kind: "backoff", waitMs: backoffFirstMs });
});

Deno.test("a unit dies no more often than the policy says, however its deaths fall and whatever it finishes", () => {
  const step = fc.record({ afterMs: fc.integer({ min: 0, max: 3 * deathWindowMs }), worked: fc.boolean() });
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    let deaths: Death[] = [], at = 0;
    for (const { afterMs, worked } of steps) {
      at += afterMs;
      deaths = [...keepRecentDeaths(deaths, at), { at, worked }];
      const recent = deaths.filter((death) => at - death.at < deathWindowMs).length;
      const inVain = deaths.length - 1 - deaths.findLastIndex((death) => death.worked);
      const over = recent >= deathsMax || deaths.length >= slowDeathsMax || inVain >= idleDeathsMax;
      const restart = decideRestart(crashed, deaths, at, 0);
      assert.equal(restart.kind, over ? "quarantine" : "backoff");
      if (restart.kind === "quarantine") return;
      assert.ok(restart.waitMs >= backoffFirstMs && restart.waitMs <= backoffMaxMs);
    }
  }));
});

Deno.test("keepRecentDeaths() forgets deaths that are older than the longest window", () => {
  const deaths = [0, 1, slowDeathWindowMs].map((at) => ({ at, worked: false }));
  assert.deepEqual(keepRecentDeaths(deaths, slowDeathWindowMs), deaths.slice(1));
});

Deno.test("decideRestart() never quarantines for starts that failed, and waits longer for each", () => {
  const failed = { kind: "no_start", message: "could not be started: too many files are open" } as const;
  const waits = [1, 2, 3, 100].map((count) => decideRestart(failed, every(1, 6, () => false), 6, count));
  assert.deepEqual(
    waits,
    [100, 200, 400, backoffMaxMs].map((waitMs) => ({ kind: "backoff", waitMs })),
  );
});
