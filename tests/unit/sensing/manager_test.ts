/**
 * From the outcome of a compute to a signal, a run, or a counted reason for neither. The test provides the outcomes.
 * Danger: a compute that is counted twice, or a signal that others see before it has a row.
 */
import assert from "node:assert/strict";
import type { KernelEvent } from "../../../src/protocol/event.ts";
import type { LogRow, NewLogRow } from "../../../src/protocol/log.ts";
import type { ComputeOutcome, Signal, Trigger } from "../../../src/protocol/signal.ts";
import { ComputeRunner } from "../../../src/sensing/compute_runner.ts";
import { SenseManager } from "../../../src/sensing/manager.ts";
import { RepeatLimiter } from "../../../src/sensing/repeat_limiter.ts";
import { TakenOutcomes } from "../../../src/sensing/taken_outcomes.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const limits = { sense: "disk", unit: "group:disk", timeoutMs: 1_000, gracePeriodMs: 100 } as const;
const interval: Trigger = { kind: "interval", due: 0, coalesced: 0 };

function setUp(
  startRun: () => Promise<{ runId: string }> = () => Promise.resolve({ runId: "run-1" }),
  isFull = false,
) {
  const clock = new FakeClock(), rows: LogRow[] = [], events: KernelEvent[] = [], signals: Signal[] = [];
  const append = (row: NewLogRow): LogRow => {
    const appended = { ...row, id: rows.length + 1, ts: clock.now() };
    rows.push(appended);
    return appended;
  };
  let outcome: ComputeOutcome = { kind: "null" };
  const host = { getOrStartProcess: () => null, downReasonOf: () => "", release: () => {} };
  const runner = new class extends ComputeRunner {
    override compute() {
      return Promise.resolve({ outcome, kept: false, beganAt: 0 });
    }
  }(host, clock);
  const manager = new SenseManager(runner, clock, {
    append,
    repeats: new RepeatLimiter(clock, (row) => void append(row)),
    emit: (event) => events.push(event),
    inbox: { take: () => [], settle: () => null, newestWaiting: () => null },
    watched: { take: () => ({ paths: [], complete: true }), settle: () => {} },
    publisher: {
      publish: (signal) => {
        assert.ok(rows.some(({ id }) => id === signal.id), "its row comes first");
        if (!isFull) signals.push(signal);
        return Promise.resolve(isFull ? "the disk is full" : null);
      },
    },
    taken: new TakenOutcomes({ get: () => null, setAll: () => {} }),
    newKey: () => "",
    onComputed: () => {},
    beforeCompute: () => {},
    isWorkflow: (name) => name === "tidy",
    isRun: () => false,
    startRun,
  });
  manager.putSense(limits);
  let id = 0;
  const compute = async (result: ComputeOutcome, trigger = interval) => {
    outcome = result;
    const waiting = manager.waitForResult(++id);
    await manager.compute("disk", trigger, id);
    return await waiting;
  };
  return { clock, rows, events, signals, manager, compute };
}

Deno.test("the duration of a compute is rounded to microseconds", async () => {
  const { clock, manager, compute } = setUp();
  let reads = 0;
  clock.monotonic = () => reads++ === 0 ? 1.1 : 3.302136000000064;
  await compute({ kind: "null" });
  assert.equal(manager.recordOf("disk")?.lastCompute?.durationMs, 2.202);
});

Deno.test("a value becomes a row, then a signal, and names the row that triggered the compute", async () => {
  const { rows, signals, manager, compute } = setUp();
  const cause: Signal = { id: 77, sense: "cpu", payload: null, ts: 0 };
  const result = await compute({ kind: "value", value: { full: 1 } }, { kind: "signal", signal: cause, coalesced: 0 });
  assert.deepEqual(rows.map(({ type, causeId }) => [type, causeId]), [["sense.signal", 77]]);
  assert.deepEqual(signals.map(({ sense, payload }) => [sense, payload]), [["disk", { full: 1 }]]);
  assert.deepEqual(result, { kind: "signal", signal: signals[0] });
  const record = manager.recordOf("disk");
  assert.deepEqual([record?.counters.computes, record?.counters.signals], [1, 1]);
  assert.equal(record?.lastSignal?.id, 1);
});

Deno.test("a directive starts a run and is no signal; a run that cannot start is an error of the compute", async () => {
  const value = { workflow: "tidy|3|go" };
  const started = setUp();
  assert.deepEqual(await started.compute({ kind: "value", value }), { kind: "run", workflow: "tidy", runId: "run-1" });
  assert.deepEqual(started.rows.map(({ type }) => type), ["sense.directive"]);
  assert.equal(started.signals.length, 0);
  const full = setUp(() => Promise.reject(new Error("the disk is full")));
  const result = await full.compute({ kind: "value", value });
  assert.equal(result.kind === "error" && result.message, "could not start workflow tidy: the disk is full");
  assert.deepEqual(full.events.map(({ kind }) => kind), ["problem"]);
  assert.equal(full.manager.recordOf("disk")?.counters.error, 1);
});

Deno.test("a signal whose row is lost is heard by nobody, and is an error of the compute", async () => {
  const { signals, manager, compute } = setUp(undefined, true);
  const result = await compute({ kind: "value", value: 1 });
  assert.equal(result.kind === "error" && result.message, "its signal could not be recorded: the disk is full");
  const record = manager.recordOf("disk");
  assert.deepEqual([signals, record?.counters.signals, record?.counters.error, record?.lastSignal], [[], 0, 1, null]);
});

Deno.test("each compute is counted under exactly one outcome", async () => {
  const { manager, compute } = setUp();
  const outcomes: ComputeOutcome[] = [
    { kind: "null" },
    { kind: "null", returned: "undefined" },
    { kind: "value", value: 1 },
    { kind: "value", value: { workflow: "tidy" } },
    { kind: "error", code: "throw", message: "x", place: null },
    { kind: "timeout", afterMs: 1_000, killed: true },
    { kind: "group_down", message: "quarantined" },
  ];
  for (const outcome of outcomes) await compute(outcome);
  const { computes, ...counters } = manager.recordOf("disk")?.counters ?? assert.fail();
  assert.equal(computes, outcomes.length);
  assert.equal(Object.values(counters).reduce((sum, count) => sum + count, 0), computes);
});

Deno.test("an error is reported once, not at each repetition; a dead group is reported elsewhere", async () => {
  const { events, rows, compute } = setUp();
  for (let n = 0; n < 3; n++) await compute({ kind: "error", code: "throw", message: "no df", place: null });
  await compute({ kind: "group_down", message: "quarantined" });
  assert.deepEqual(events.map((event) => event.kind === "problem" && event.message), ["no df"]);
  assert.deepEqual(rows.map(({ type }) => type), ["sense.error", "sense.group_down"]);
});

Deno.test("only a change of the load problems gets a row", () => {
  const { rows, manager } = setUp();
  const problem = { message: "no compute", place: null };
  for (const problems of [[], [problem], [problem], [], []]) manager.onLoaded("disk", problems);
  assert.deepEqual(rows.map(({ type }) => type), ["sense.load_failed", "sense.loaded"]);
});

Deno.test("a dropped compute answers its waiter, and a forgotten sense computes no more", async () => {
  const { rows, manager } = setUp();
  const waiting = manager.waitForResult(9);
  manager.onDropped("disk", 9);
  assert.equal((await waiting).kind, "group_down");
  manager.keepOnly(new Set());
  await manager.compute("disk", interval, 10);
  assert.deepEqual([manager.recordOf("disk"), rows], [null, []]);
});
