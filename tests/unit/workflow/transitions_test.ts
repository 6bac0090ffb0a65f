/** The pure parts: transitions, admission, crash policy. */
import * as fc from "fast-check";
import assert from "node:assert/strict";
import { roundDeathsMax } from "../../../src/base/limits.ts";
import { runStatusSchema } from "../../../src/protocol/run.ts";
import { afterDeath, type Deaths, endsRun, mustBeAlone } from "../../../src/workflow/local/crash_policy.ts";
import { admit, excess, startable } from "../../../src/workflow/local/queue_policy.ts";
import { firstMoves, isLegal, isTerminal, moves, sourcesOf, stateDiagram } from "../../../src/workflow/transitions.ts";

Deno.test("a run ends in one of six ways, and nothing leads out of an end", () => {
  const ends = runStatusSchema.options.filter(isTerminal);
  assert.deepEqual(ends, ["completed", "failed", "killed", "crashed", "interrupted", "dropped"]);
  for (const end of ends) for (const to of runStatusSchema.options) assert.ok(!isLegal(end, to), `${end} -> ${to}`);
});

Deno.test("every status can be reached, and only a started run can end by what its roles do", () => {
  const reached = new Set(Object.keys(firstMoves));
  for (const ways of Object.values(moves)) for (const to of Object.keys(ways)) reached.add(to);
  assert.deepEqual([...reached].sort(), [...runStatusSchema.options].sort());
  for (const end of ["completed", "failed", "crashed"] as const) assert.deepEqual(sourcesOf(end), ["started"]);
  assert.deepEqual(sourcesOf("killed"), ["queued", "started"]);
  assert.deepEqual(sourcesOf("dropped"), ["queued"]);
});

Deno.test("the state diagram has an arrow for every legal move and no other", () => {
  const arrows = stateDiagram().split("\n").slice(1).map((line) => /^ {2}(\S+) --> (\S+)( : .+)?$/.exec(line));
  assert.ok(arrows.every((arrow) => arrow !== null));
  const between = arrows.filter((arrow) => arrow?.[1] !== "[*]" && arrow?.[2] !== "[*]");
  assert.equal(between.length, Object.values(moves).flatMap((ways) => Object.keys(ways)).length);
  assert.ok(stateDiagram().startsWith("stateDiagram-v2\n"));
});

const rules = fc.record({
  concurrency: fc.integer({ min: 1, max: 5 }),
  overflow: fc.constantFrom("drop" as const, "queue" as const),
  maxQueue: fc.integer({ min: 0, max: 5 }),
});
const load = fc.record({ active: fc.nat(6), queued: fc.nat(6), accepting: fc.boolean() });

Deno.test("admit() starts only into a free slot and past nobody, drops only by the overflow rule", () => {
  fc.assert(fc.property(load, rules, (load, rules) => {
    const { kind } = admit(load, rules);
    const free = load.accepting && load.active < rules.concurrency && load.queued === 0;
    const queues = rules.overflow === "queue" && rules.maxQueue > 0;
    assert.equal(kind, free ? "start" : queues ? "queue" : "drop");
  }));
});

Deno.test("startable() fills the slots and no more; excess() brings a queue back to its bound", () => {
  fc.assert(fc.property(load, rules, ({ active, queued, accepting }, rules) => {
    const more = startable({ active, accepting }, rules);
    assert.ok(more === 0 || active + more === rules.concurrency);
    assert.ok(more === 0 || accepting);
    assert.ok(queued - excess(queued, rules) <= rules.maxQueue);
    assert.ok(queued > rules.maxQueue || excess(queued, rules) === 0);
  }));
});

Deno.test("deaths count at one round, and only a death alone ends a run", () => {
  let deaths: Deaths | null = null;
  for (let count = 1; count <= roundDeathsMax; count++) {
    assert.equal(mustBeAlone(deaths, 4), count >= roundDeathsMax, `before death ${count}`);
    deaths = afterDeath(deaths, 4);
    assert.deepEqual(deaths, { round: 4, count });
    assert.ok(!endsRun(deaths, false));
    assert.equal(endsRun(deaths, true), count >= roundDeathsMax);
  }
  assert.deepEqual(afterDeath(deaths, 5), { round: 5, count: 1 });
  assert.ok(!mustBeAlone(deaths, 5));
});
