/** The counters of processors: the shares of a span, whatever the clock shows. */
import assert from "node:assert/strict";
import { areComparable, computeShares, parseStat, type Sample } from "../../../senses/cpu-usage/counters.ts";

const at = (ts: number, ...cores: [busyMs: number, idleMs: number][]): Sample => ({
  ts,
  cores: cores.map(([busyMs, idleMs], core) => ({ core, busyMs, idleMs })),
});

Deno.test("waiting for a disk and stolen time count as idle, interrupts as busy, guests once", () => {
  const text = "cpu  9 9 9 9 9 9 9 9 9 9\ncpu0 100 10 50 1000 40 1 4 30 60 0\ncpu2 1 0 0 5\nintr 5 cpu9 7\n";
  assert.deepEqual(parseStat(text), [
    { core: 0, busyMs: 1_650, idleMs: 10_700 },
    { core: 2, busyMs: 10, idleMs: 50 },
  ]);
  assert.throws(() => parseStat("intr 5\n"), /names no processor/);
});

Deno.test("the counters say how long the span was, not the clock", () => {
  const first = at(0, [0, 0], [0, 0]), second = at(10_000, [5_000, 5_000], [0, 10_000]);
  assert.ok(areComparable(first, second));
  assert.deepEqual(computeShares(first, second), { used: 0.25, cores: [0.5, 0], windowMs: 10_000 });
  assert.deepEqual(computeShares({ ...first, ts: -300_000 }, second).used, 0.25);
});

Deno.test("a counter that goes back a little takes nothing away, one that goes far back is of another boot", () => {
  const first = at(0, [5_000, 50_000], [5_000, 50_000]);
  const little = at(10_000, [4_900, 60_000], [10_000, 54_900]);
  assert.ok(areComparable(first, little));
  assert.deepEqual(computeShares(first, little), { used: 0.25, cores: [0, 0.5], windowMs: 10_000 });
  assert.ok(!areComparable(first, at(10_000, [3_000, 60_000], [10_000, 55_000])));
  assert.ok(!areComparable(first, at(10_000, [5_000, 40_000], [10_000, 55_000])));
});

Deno.test("a processor that was off for a while counts for the whole span", () => {
  const shares = computeShares(at(0, [0, 0], [0, 0]), at(10_000, [1_000, 9_000], [2_000, 0]));
  assert.deepEqual(shares, { used: 0.15, cores: [0.1, 0.2], windowMs: 10_000 });
});

Deno.test("samples of other cores, too near, too far or that the clock contradicts are not compared", () => {
  const first = at(0, [0, 0]);
  const cases: [Sample, boolean][] = [
    [at(10_000, [0, 10_000]), true],
    [at(12_000, [0, 10_000]), true],
    [at(310_000, [0, 10_000]), false],
    [at(-290_000, [0, 10_000]), false],
    [at(100, [0, 100]), false],
    [at(660_000, [0, 660_000]), false],
    [at(10_000, [0, 10_000], [0, 10_000]), false],
    [{ ts: 10_000, cores: [{ core: 1, busyMs: 0, idleMs: 10_000 }] }, false],
  ];
  for (const [second, expected] of cases) assert.equal(areComparable(first, second), expected, JSON.stringify(second));
  assert.ok(!areComparable({ ts: 0, cores: [] }, { ts: 10_000, cores: [] }));
});
