/** Which runs start, which wait and which are dropped. */
import assert from "node:assert/strict";
import { admit, countExcess, countStartable } from "../../../src/workflow/local/queue_policy.ts";
import fc from "../../support/fast_check.ts";

const rules = fc.record({
  concurrency: fc.integer({ min: 1, max: 5 }),
  overflow: fc.constantFrom("drop" as const, "queue" as const),
  maxQueue: fc.integer({ min: 0, max: 5 }),
});

const load = fc.record({ active: fc.nat(6), queued: fc.nat(6), accepting: fc.boolean() });

Deno.test("admit() starts a run only into a free slot and past no other, and drops only by the overflow rule", () => {
  fc.assert(fc.property(load, rules, (load, rules) => {
    const { kind } = admit(load, rules);
    const free = load.accepting && load.active < rules.concurrency && load.queued === 0;
    const queues = rules.overflow === "queue" && rules.maxQueue > 0;
    assert.equal(kind, free ? "start" : queues ? "queue" : "drop");
  }));
});

Deno.test("countStartable() fills the slots and no more; countExcess() brings a queue back to its bound", () => {
  fc.assert(fc.property(load, rules, ({ active, queued, accepting }, rules) => {
    const more = countStartable({ active, accepting }, rules);
    assert.ok(more === 0 || active + more === rules.concurrency);
    assert.ok(more === 0 || accepting);
    assert.ok(queued - countExcess(queued, rules) <= rules.maxQueue);
    assert.ok(queued > rules.maxQueue || countExcess(queued, rules) === 0);
  }));
});
