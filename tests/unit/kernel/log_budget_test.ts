/** The danger: one sense fills the disk through the log, or a quota loses a signal. */
import assert from "node:assert/strict";
import { logBytesBurstMax, logBytesPerSecondMax, logRowsBurstMax, payloadMaxBytes } from "../../../src/base/limits.ts";
import { LogBudget } from "../../../src/kernel/log_budget.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const payload = "x".repeat(payloadMaxBytes - 100);

function budgetOf() {
  const clock = new FakeClock(), spent: string[] = [];
  const budget = new LogBudget(clock, {
    unitOf: (sense) => `group:${sense}`,
    onSpent: (unit) => void spent.push(unit),
  });
  const signal = (sense: string) =>
    budget.payFor({ source: `sense:${sense}`, type: "sense.signal", refId: sense, causeId: null, payload });
  return { clock, budget, spent, signal };
}

Deno.test("rows that a unit logs beyond its budget are refused with the reason, those of other units are not", async () => {
  const { clock, budget } = budgetOf();
  let taken = 0;
  while (budget.refuse("group:a", payload) === null) taken++;
  assert.ok(Math.abs(taken - logBytesBurstMax / payloadMaxBytes) <= 1, `${taken} rows`);
  assert.match(
    budget.refuse("group:a", payload) ?? "",
    /512\.0 KiB a second into the log; rows that it logs are dropped/,
  );
  assert.deepEqual([budget.refuse("group:a", null), budget.refuse("group:b", payload)], [null, null]);
  await clock.tick(1_000 * payloadMaxBytes / logBytesPerSecondMax + 1_000);
  assert.equal(budget.refuse("group:a", payload), null);
  let lines = 0;
  while (budget.refuse("group:c", null) === null) lines++;
  assert.equal(lines, logRowsBurstMax);
  assert.match(budget.refuse("group:c", null) ?? "", /more than 100 rows or lines a second/);
});

Deno.test("a sense that signals without end is slowed down to its budget, and loses no signal", async () => {
  const { clock, budget, spent, signal } = budgetOf();
  const seconds = 600;
  let signals = 0, over = false;
  const looping = (async () => {
    while (!over) {
      await budget.pace("a", () => Promise.resolve(signal("a")));
      signals++;
      if (signals > 100_000) assert.fail("nothing slows it down");
    }
  })();
  await clock.tick(seconds * 1_000);
  over = true;
  budget.stop();
  await looping;
  const bytes = signals * payloadMaxBytes, most = logBytesBurstMax + (seconds + 2) * logBytesPerSecondMax;
  assert.ok(bytes <= most && bytes > most * 0.95, `${bytes} bytes in ${seconds} s`);
  assert.ok(spent.length > 0);
  assert.equal(clock.pending, 0);
});

Deno.test("a stop lets every waiting compute go at once", async () => {
  const { budget, signal, clock } = budgetOf();
  for (let each = 0; each < 1_000; each++) signal("a");
  const waiting = budget.pace("a", () => Promise.resolve("computed"));
  budget.stop();
  assert.equal(await waiting, "computed");
  assert.equal(await budget.pace("a", () => Promise.resolve("at once")), "at once");
  assert.equal(clock.pending, 0);
});
