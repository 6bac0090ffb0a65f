import assert from "node:assert/strict";
import { TokenBucket } from "../../../src/base/token_bucket.ts";
import { FakeClock } from "../../support/fake_clock.ts";

Deno.test("a bucket gives what it has saved, then its rate per second, and never saves more than its maximum", async () => {
  const clock = new FakeClock(), budget = new TokenBucket(clock, 10, 3);
  const taken = () => Array.from({ length: 20 }, () => budget.tryTake()).filter(Boolean).length;
  assert.equal(taken(), 3);
  await clock.tick(100);
  assert.equal(taken(), 1);
  await clock.tick(60_000);
  assert.equal(taken(), 3);
});

Deno.test("spending more than the bucket holds waits until the bucket has refilled", async () => {
  const clock = new FakeClock(), budget = new TokenBucket(clock, 1_000, 100);
  assert.equal(budget.charge(100), 0);
  assert.equal(budget.charge(50), 50);
  await clock.tick(50);
  assert.equal(budget.charge(0), 0);
  assert.equal(budget.charge(1), 1);
});
