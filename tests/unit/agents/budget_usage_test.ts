/** What a budget reports about usage. */
import assert from "node:assert/strict";
import { addUsage, findExcess, noUsage } from "../../../src/agents/budget_usage.ts";
import { noBudget } from "../../../src/protocol/agent.ts";

Deno.test("nothing is too much without limits; a hard limit counts before a soft one", () => {
  const much = { tokens: 1e9, cost: 1e9, timeMs: 1e9 };
  assert.equal(findExcess(noBudget, much), null);
  const budget = { tokens: { soft: 10, hard: null }, cost: { soft: 1, hard: 2 }, timeMs: { soft: null, hard: 60_000 } };
  assert.equal(findExcess(budget, { tokens: 9, cost: 0.99, timeMs: 59_999 }), null);
  assert.deepEqual(findExcess(budget, { ...noUsage, tokens: 10 }), { level: "soft", what: "tokens: 10 of 10" });
  assert.deepEqual(findExcess(budget, { ...noUsage, cost: 1.5 }), { level: "soft", what: "cost: 1.50 of 1.00" });
  assert.deepEqual(findExcess(budget, { tokens: 10, cost: 0, timeMs: 61_000 }), {
    level: "hard",
    what: "time: 1m1s of 1m",
  });
  assert.deepEqual(addUsage({ tokens: 1, cost: 2, timeMs: 3 }, { tokens: 4, cost: 5, timeMs: 6 }), {
    tokens: 5,
    cost: 7,
    timeMs: 9,
  });
});
