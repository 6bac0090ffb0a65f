/** Which death ends a run as crashed. Danger: a healthy run ends because its neighbour killed their process. */
import assert from "node:assert/strict";
import { outsideWaitMaxMs, roundDeathsMax } from "../../../src/base/limits.ts";
import {
  countDeath,
  type Deaths,
  mustRunAlone,
  shouldEndRun,
  waitAfterKills,
} from "../../../src/workflow/local/crash_policy.ts";
import fc from "../../support/fast_check.ts";

function deathsAt(round: number, count: number): Deaths | null {
  let deaths: Deaths | null = null;
  for (let n = 0; n < count; n++) deaths = countDeath(deaths, round);
  return deaths;
}

Deno.test("countDeath() counts deaths at one round and forgets those at earlier rounds", () => {
  assert.deepEqual(deathsAt(4, roundDeathsMax), { round: 4, count: roundDeathsMax });
  assert.deepEqual(countDeath(deathsAt(4, roundDeathsMax), 5), { round: 5, count: 1 });
});

Deno.test("shouldEndRun() holds only for the last death that is allowed, and only when the run died alone", () => {
  for (let count = 1; count <= roundDeathsMax + 1; count++) {
    const deaths = deathsAt(4, count) ?? assert.fail();
    assert.equal(shouldEndRun(deaths, true), count >= roundDeathsMax, `${count} deaths`);
    assert.ok(!shouldEndRun(deaths, false), `${count} deaths in company`);
  }
});

Deno.test("mustRunAlone() holds from one death before the limit, until the run is past that round", () => {
  for (let count = 0; count <= roundDeathsMax; count++) {
    assert.equal(mustRunAlone(deathsAt(4, count), 4), count >= roundDeathsMax - 1, `${count} deaths`);
  }
  assert.ok(!mustRunAlone(deathsAt(4, roundDeathsMax), 5));
});

Deno.test("whatever the rounds and the company, a run that ended had to be alone before its last death", () => {
  const death = fc.record({ round: fc.integer({ min: 1, max: 3 }), alone: fc.boolean() });
  fc.assert(fc.property(fc.array(death), (history) => {
    let deaths: Deaths | null = null;
    for (const { round, alone } of history) {
      const suspect = mustRunAlone(deaths, round);
      deaths = countDeath(deaths, round);
      if (shouldEndRun(deaths, alone)) assert.ok(suspect);
    }
  }));
});

Deno.test("waitAfterKills() lets two kills pass, then waits longer after each, up to a bound", () => {
  const waits = [1, 2, 3, 4, 5, 30].map((count) => waitAfterKills({ round: 1, count }));
  assert.deepEqual(waits, [0, 0, 1_000, 2_000, 4_000, outsideWaitMaxMs]);
});
