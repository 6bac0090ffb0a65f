import assert from "node:assert/strict";
import { Budget } from "../../../src/base/budget.ts";
import { FakeClock } from "../../support/fake_clock.ts";

Deno.test("what is earned as fast as it is spent costs no wait, however much it is", () => {
  const budget = new Budget(new FakeClock(), 10, 5);
  for (let time = 0; time < 1_000; time++) {
    budget.earn(1);
    assert.equal(budget.spend(1), 0);
  }
});

Deno.test("earnings are not saved up beyond the most", () => {
  const budget = new Budget(new FakeClock(), 10, 5);
  budget.earn(1_000);
  assert.equal(budget.spend(5), 0);
  assert.equal(budget.spend(1), 100);
});

Deno.test("what is spent beyond the rest must be waited for", async () => {
  const clock = new FakeClock(), budget = new Budget(clock, 10, 5);
  assert.equal(budget.spend(7), 200);
  await clock.tick(200);
  assert.equal(budget.take(), false);
  await clock.tick(100);
  assert.equal(budget.take(), true);
});
