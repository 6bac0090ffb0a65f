import assert from "node:assert/strict";
import { backoffFirstMs, backoffMaxMs, deathsMax, deathWindowMs } from "../../../src/base/limits.ts";
import { decideRestart, keepRecentDeaths } from "../../../src/process/restart_policy.ts";

const crashed = { kind: "exited", message: "exited with code 1" } as const;

Deno.test("decideRestart() waits twice as long after each death, up to a bound, then quarantines", () => {
  const deaths = Array.from({ length: deathsMax }, (_, n) => n);
  for (let count = 1; count < deathsMax; count++) {
    const waitMs = Math.min(backoffMaxMs, backoffFirstMs * 2 ** (count - 1));
    assert.deepEqual(decideRestart(crashed, deaths.slice(0, count), 0), { kind: "backoff", waitMs });
  }
  const last = decideRestart(crashed, deaths, 0);
  assert.equal(last.kind, "quarantine");
  assert.match(
    last.kind === "quarantine" ? last.reason : "",
    /^died 5 times in 60 s, the last time it exited with code 1$/,
  );
});

Deno.test("decideRestart() quarantines a unit that is over its quota at its first death", () => {
  const full = { kind: "disk_limit", message: "holds 2 GiB" } as const;
  assert.deepEqual(decideRestart(full, [], 0), { kind: "quarantine", reason: "holds 2 GiB", full: true });
});

Deno.test("keepRecentDeaths() forgets deaths that are older than the window", () => {
  assert.deepEqual(keepRecentDeaths([0, 1, deathWindowMs], deathWindowMs), [1, deathWindowMs]);
});

Deno.test("decideRestart() never quarantines for starts that failed, and waits longer for each", () => {
  const failed = { kind: "no_start", message: "could not be started: too many files are open" } as const;
  const waits = [1, 2, 3, 100].map((count) => decideRestart(failed, [0, 1, 2, 3, 4, 5], count));
  assert.deepEqual(
    waits,
    [100, 200, 400, backoffMaxMs].map((waitMs) => ({ kind: "backoff", waitMs })),
  );
});
