/** How much of a thread is shown. */
import fc from "../../support/fast_check.ts";
import assert from "node:assert/strict";
import { fitBudget } from "../../../src/cli/commands/workflow_thread.ts";
import type { RunMessage } from "../../../src/protocol/run.ts";

const thread = (lengths: readonly number[]): RunMessage[] =>
  lengths.map((length, at) => ({ round: at + 1, role: "r", content: "x".repeat(length), meta: {}, ts: at }));

Deno.test("a thread shows the newest messages that fit, oldest first, and always the newest", () => {
  const rounds = (lengths: number[], budget: number) =>
    fitBudget(thread(lengths).reverse(), budget).map(({ round }) => round);
  assert.deepEqual(rounds([5, 5, 5], 100), [1, 2, 3]);
  assert.deepEqual(rounds([5, 5, 5], 10), [2, 3]);
  assert.deepEqual(rounds([5, 50, 5], 10), [3]);
  assert.deepEqual(rounds([5, 500], 10), [2]);
  assert.equal(fitBudget(thread([500]), 10)[0]?.content, `${"x".repeat(10)}\n[490 more characters]`);
  assert.deepEqual(rounds([], 10), []);
});

Deno.test("a thread's budget holds for any lengths", () => {
  fc.assert(fc.property(fc.array(fc.nat(50)), fc.integer({ min: 1, max: 200 }), (lengths, budget) => {
    const shown = fitBudget(thread(lengths).reverse(), budget);
    const chars = shown.reduce((total, { content }) => total + content.split("\n[")[0]!.length, 0);
    assert.ok(chars <= budget);
    assert.equal(shown.at(-1)?.round, lengths.length === 0 ? undefined : lengths.length);
  }));
});
