/** The danger: one sense fills the disk through the log, or a quota loses a signal. */
import assert from "node:assert/strict";
import { logBytesBurstMax, logBytesPerSecondMax, logRowsBurstMax, payloadMaxBytes } from "../../../src/base/limits.ts";
import {
  LogBudget,
  loggedBytesPerDayMax,
  loggedRowsPerDayMax,
  rowBytesPerDayMax,
} from "../../../src/kernel/log_budget.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { long } from "../../support/long_form.ts";

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

const hourMs = 60 * 60 * 1_000;

Deno.test("over days a unit logs no more rows and bytes than its quota, however slowly, and another one is not held up", async () => {
  for (const text of ["x", "x".repeat(4_000)]) {
    const { clock, budget } = budgetOf();
    let rows = 0, bytes = 0, told = "";
    for (let hour = 0; hour < 30; hour++) {
      await clock.tick(hourMs);
      // As many as the rate allows in an hour.
      for (let n = 0; n < 100_000; n++) {
        const refusal = budget.refuse("group:a", text);
        if (refusal === null) [rows, bytes] = [rows + 1, bytes + text.length + 102];
        else {
          told = refusal;
          if (!/rows or lines a second/.test(refusal)) break;
          await clock.tick(1_000);
        }
        if (n % 900 === 0) await clock.tick(9_000);
      }
    }
    const days = 1.01 + clock.monotonic() / (24 * hourMs);
    assert.ok(
      rows <= loggedRowsPerDayMax * days && bytes <= loggedBytesPerDayMax * days,
      `${rows} rows, ${bytes} bytes`,
    );
    assert.match(told, /logged 1000000 rows or 256\.0 MiB within a day; the excess is dropped/);
    assert.equal(budget.refuse("group:b", text), null);
  }
});

long.test("over days signals come slower, and none is lost", async () => {
  const { clock, budget, signal } = budgetOf();
  let signals = 0, over = false;
  const looping = (async () => {
    while (!over) {
      await budget.pace("a", () => Promise.resolve(signal("a")));
      signals++;
    }
  })();
  for (let hour = 0; hour < 30; hour++) await clock.tick(hourMs);
  over = true;
  budget.stop();
  await looping;
  const bytes = signals * payloadMaxBytes,
    most = rowBytesPerDayMax * (1.1 + clock.monotonic() / (24 * hourMs)) + logBytesBurstMax;
  assert.ok(bytes <= most && bytes > rowBytesPerDayMax, `${bytes} bytes in 30 hours`);
});
