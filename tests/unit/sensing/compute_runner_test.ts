/** Computes and their time limits. The test plays the process: it decides when it is ready, answers or dies. */
import assert from "node:assert/strict";
import type { ToProcess } from "../../../src/protocol/message.ts";
import type { ComputeOutcome, Trigger } from "../../../src/protocol/signal.ts";
import { type ComputeEnd, ComputeRunner } from "../../../src/sensing/compute_runner.ts";
import type { ComputeLimits, ComputeProcess } from "../../../src/sensing/ports.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const trigger: Trigger = { kind: "manual", causeId: null, coalesced: 0 };
const limits: ComputeLimits = { sense: "cpu", unit: "group:cpu", timeoutMs: 1_000, gracePeriodMs: 200 };

class FakeProcess implements ComputeProcess {
  ready = true;
  readonly sent: ToProcess[] = [];
  killed: string | null = null;

  send(message: ToProcess): void {
    this.sent.push(message);
  }

  kill(_kind: "timeout", message: string): void {
    this.killed ??= message;
  }
}

function setUp() {
  const clock = new FakeClock(), process = new FakeProcess();
  const host = { down: false, released: 0 };
  const runner = new ComputeRunner({
    getOrStartProcess: () => host.down ? null : process,
    downReasonOf: () => "quarantined: it died",
    release: () => host.released++,
  }, clock);
  const computed = new Map<number, ComputeEnd>();
  const compute = (id: number) => void runner.compute(limits, trigger, id).then((result) => computed.set(id, result));
  const answer = (
    id: number,
    outcome: ComputeOutcome & { kind: "null" | "value" | "error" },
    ranMs: number | null = 5,
  ) => runner.onOutcome(process, { t: "outcome", id, ranMs, outcome });
  return { clock, process, host, runner, computed, compute, answer };
}

Deno.test("a compute has the outcome that its process reports, and began when the process says", async () => {
  const { clock, process, host, computed, compute, answer } = setUp();
  const from = clock.monotonic();
  compute(1);
  assert.deepEqual(process.sent, [{
    t: "compute",
    id: 1,
    sense: "cpu",
    trigger,
    signals: [],
    deliveries: [],
    key: null,
    taken: null,
  }]);
  await clock.tick(100);
  assert.ok(answer(1, { kind: "value", value: 7 }, 30));
  await clock.tick(0);
  assert.deepEqual(computed.get(1), { outcome: { kind: "value", value: 7 }, kept: false, beganAt: from + 70 });
  assert.deepEqual([host.released, clock.pending], [1, 0]);
});

Deno.test("a compute never began before it was requested, whatever its process says", async () => {
  const { clock, computed, compute, answer } = setUp();
  await clock.tick(500);
  const from = clock.monotonic();
  compute(1);
  answer(1, { kind: "null" }, 60_000);
  await clock.tick(0);
  assert.equal(computed.get(1)?.beganAt, from);
});

Deno.test("only the process that received a compute may answer it, and only once", async () => {
  const { clock, runner, compute, answer } = setUp();
  compute(1);
  assert.ok(!runner.onOutcome(new FakeProcess(), { t: "outcome", id: 1, ranMs: 0, outcome: { kind: "null" } }));
  assert.ok(!answer(2, { kind: "null" }));
  assert.ok(answer(1, { kind: "null" }));
  await clock.tick(0);
  assert.ok(!answer(1, { kind: "null" }));
});

Deno.test("a compute whose group may not start ends as down, with the reason", async () => {
  const { clock, host, computed, compute } = setUp();
  host.down = true;
  compute(1);
  await clock.tick(0);
  assert.deepEqual(computed.get(1)?.outcome, { kind: "group_down", message: "quarantined: it died" });
});

Deno.test("a compute over its time limit is aborted, and its process is killed after the grace period", async () => {
  const { clock, process, runner, computed, compute } = setUp();
  compute(1);
  await clock.tick(999);
  assert.equal(process.sent.length, 1);
  await clock.tick(1);
  assert.equal(process.sent.at(-1)?.t, "abort");
  await clock.tick(200);
  assert.match(process.killed ?? "", /sense cpu did not return within 1s and a grace period of 200ms/);
  runner.onProcessEnd(process, { kind: "timeout", message: process.killed ?? "" });
  await clock.tick(0);
  assert.deepEqual(computed.get(1)?.outcome, { kind: "timeout", afterMs: 1_000, killed: true });
});

Deno.test("a compute that throws after its abort has timed out; one that still returns a value has not", async () => {
  const { clock, process, computed, compute, answer } = setUp();
  compute(1);
  compute(2);
  await clock.tick(1_000);
  answer(1, { kind: "error", code: "throw", message: "aborted", place: null });
  answer(2, { kind: "value", value: 1 });
  await clock.tick(0);
  assert.deepEqual(computed.get(1)?.outcome, { kind: "timeout", afterMs: 1_000, killed: false });
  assert.deepEqual(computed.get(2)?.outcome, { kind: "value", value: 1 });
  await clock.tick(60_000);
  assert.equal(process.killed, null);
});

Deno.test("the time limit counts from when the process is ready", async () => {
  const { clock, process, runner, compute } = setUp();
  process.ready = false;
  compute(1);
  await clock.tick(10_000);
  assert.equal(process.sent.length, 1);
  runner.onReady(process);
  await clock.tick(999);
  assert.equal(process.sent.length, 1);
  await clock.tick(1);
  assert.equal(process.sent.at(-1)?.t, "abort");
});

Deno.test("every compute of a process that dies ends as down, and began at that end at the latest", async () => {
  const { clock, process, runner, computed, compute } = setUp();
  compute(1);
  compute(2);
  await clock.tick(50);
  runner.onProcessEnd(process, { kind: "out_of_memory", message: "ran out of memory" });
  await clock.tick(0);
  for (const id of [1, 2]) {
    assert.deepEqual(computed.get(id)?.outcome, { kind: "group_down", message: "its process ran out of memory" });
  }
  assert.ok(!runner.isBusy(process));
});

Deno.test("stop() aborts every compute and ends when they are over", async () => {
  const { clock, runner, computed, compute, answer } = setUp();
  compute(1);
  let stopped = false;
  void runner.stop().then(() => stopped = true);
  await clock.tick(0);
  assert.ok(!stopped && runner.stopping);
  answer(1, { kind: "error", code: "throw", message: "aborted", place: null });
  await clock.tick(0);
  assert.ok(stopped);
  assert.equal(computed.get(1)?.outcome.kind, "group_down");
  assert.equal(clock.pending, 0);
});
