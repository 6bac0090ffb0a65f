/** What a process may send. Danger: processes that flood use up the kernel's time, or keep others from being read. */
import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { payloadMaxBytes } from "../../../src/base/limits.ts";
import { MessageBudget, sparedMessagesBurstMax, unaskedReadingBurstMs } from "../../../src/process/message_budget.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const compute = { t: "compute" } as Parameters<MessageBudget["expectAnswer"]>[0];

/** Reads lines of `bytes` bytes, each for `eachMs`, until one has to wait. Returns their number. */
async function readUntilWait(budget: MessageBudget, clock: FakeClock, bytes: number, eachMs: number): Promise<number> {
  for (let count = 0; count < 10_000; count++) {
    const wait = budget.paceLine(bytes);
    if (wait !== null && !await isOver(wait)) return count;
    await clock.tick(eachMs);
    budget.endLine();
  }
  return Infinity;
}

/** Whether it resolves without time passing. */
async function isOver(wait: Promise<void>): Promise<boolean> {
  let over = false;
  wait.then(() => over = true);
  for (let turn = 0; turn < 20; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
  return over;
}

Deno.test("what one process sends unasked costs the others nothing, until it has taken its share of the time", async () => {
  const clock = new FakeClock(), flood = new MessageBudget(clock), other = new MessageBudget(clock);
  const read = await readUntilWait(flood, clock, payloadMaxBytes, 20);
  assert.ok(read >= 1 && read <= 1 + unaskedReadingBurstMs / 10, `${read} long messages at once`);
  assert.equal(other.paceLine(100), null, "a short one of another process is read at once");
  other.endLine();
  for (let n = 1; n < sparedMessagesBurstMax; n++) assert.equal(other.paceLine(100), null);
  const wait = other.paceLine(100);
  assert.ok(wait !== null && !await isOver(wait), "one that says much waits with the others");
});

Deno.test("a process is read at once when it was asked, whatever others do", async () => {
  const clock = new FakeClock(), flood = new MessageBudget(clock), other = new MessageBudget(clock);
  await readUntilWait(flood, clock, payloadMaxBytes, 20);
  for (let n = 0; n < 100; n++) {
    other.expectAnswer(compute);
    const wait = other.paceLine(payloadMaxBytes - 1_000);
    assert.ok(wait !== null && await isOver(wait), "a long answer waits for a turn of the event loop only");
    other.endLine();
  }
});

Deno.test("many that flood take no more of the time than one", async () => {
  const clock = new FakeClock(), floods = Array.from({ length: 8 }, () => new MessageBudget(clock));
  let read = 0;
  for (const flood of floods) read += await readUntilWait(flood, clock, payloadMaxBytes, 20);
  assert.ok(read <= 2 + unaskedReadingBurstMs / 10, `${read} long messages in all`);
});
