/**
 * Which spans are made, and in which trace they are: read at a real receiver. Danger: what belongs together is torn
 * apart, or the memory of a daemon grows with every run.
 */
import assert from "node:assert/strict";
import { tracesKnownMax } from "../../../src/base/trace_limits.ts";
import type { ComputeResult } from "../../../src/protocol/api.ts";
import type { LogRow } from "../../../src/protocol/log.ts";
import { type TracedCompute, Tracer } from "../../../src/tracing/tracer.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { newRun } from "../../support/store_bench.ts";
import { type ReceivedSpan, serveReceiver } from "../../support/trace_receiver.ts";

const at = Date.UTC(2026, 0, 1);

/** The spans that the test made, in the order in which they ended. */
async function trace(test: (tracer: Tracer) => void): Promise<ReceivedSpan[]> {
  await using receiver = serveReceiver();
  const options = { url: receiver.url, headers: {}, resource: {} };
  const tracer = new Tracer(options, new FakeClock(), (problem) => assert.fail(problem));
  test(tracer);
  await tracer.stop();
  assert.deepEqual(tracer.counters, { sent: receiver.spans().length, dropped: 0 });
  return receiver.spans();
}

function compute(result: ComputeResult, change: Partial<TracedCompute> = {}): TracedCompute {
  return { sense: "cpu", id: 4, trigger: "interval", causeId: null, at, durationMs: 20, result, ...change };
}

const signalled = (id: number): ComputeResult => ({ kind: "signal", signal: { id, sense: "cpu", payload: 1, ts: at } });
const started = (runId: string): ComputeResult => ({ kind: "run", workflow: "cleanup", runId });

function row(type: LogRow["type"], refId: string | null, change: Partial<LogRow> = {}): LogRow {
  return { id: 1, ts: at, source: "workflow:cleanup", type, refId, causeId: null, payload: {}, ...change };
}

const ended = (runId: string, causeId: number | null = null) =>
  newRun(runId, { status: "completed", exitCode: 0, rounds: 2, causeId, endedAt: at + 50 });

const textOf = (span: ReceivedSpan | undefined, key: string): unknown => {
  const attributes = span?.attributes as { key: string; value: Record<string, unknown> }[];
  return Object.values(attributes.find((each) => each.key === key)?.value ?? {})[0];
};
const namesOf = (spans: readonly ReceivedSpan[]) => spans.map(({ name }) => name);
const statusOf = (span: ReceivedSpan | undefined) => span?.status as { code?: number; message?: string };
const nanosFrom = (ms: number) => `${at + ms}000000`;

Deno.test("a compute is a span of its own time, with what it was for and what came of it", async () => {
  const [span, ...more] = await trace((tracer) => tracer.onComputed(compute({ kind: "null" })));
  assert.deepEqual([span?.name, span?.parentSpanId, more], ["compute cpu", undefined, []]);
  assert.deepEqual([span?.startTimeUnixNano, span?.endTimeUnixNano], [nanosFrom(0), nanosFrom(20)]);
  const keys = ["nerve.sense", "nerve.compute", "nerve.trigger", "nerve.outcome", "nerve.signal", "nerve.run"];
  assert.deepEqual(keys.map((key) => textOf(span, key)), ["cpu", "4", "interval", "null", undefined, undefined]);
  assert.deepEqual(statusOf(span), {});
});

Deno.test("a compute has failed when its code, its time or its process has, and not when it was silent", async () => {
  const results: ComputeResult[] = [
    { kind: "error", code: "throw", message: "no such file", place: null },
    { kind: "group_down", message: "it was killed" },
    { kind: "timeout", afterMs: 700, killed: true },
    { kind: "null", silent: "nothing new" },
    signalled(9),
    started("r"),
  ];
  const spans = await trace((tracer) => results.forEach((result) => tracer.onComputed(compute(result))));
  assert.deepEqual(spans.map((span) => statusOf(span).message), [
    "no such file",
    "it was killed",
    "it took more than 700 ms",
    ...[undefined, undefined, undefined],
  ]);
  assert.deepEqual([textOf(spans[4], "nerve.signal"), textOf(spans[5], "nerve.run")], ["9", "r"]);
});

Deno.test("what heard a signal is in its trace, below the compute that sent it; what heard another is not", async () => {
  const [first, heard, run, other] = await trace((tracer) => {
    tracer.onComputed(compute(signalled(7)));
    tracer.onComputed(compute({ kind: "null" }, { sense: "alarm", causeId: 7 }));
    tracer.onRun(ended("r", 7));
    tracer.onComputed(compute({ kind: "null" }, { causeId: 8 }));
  });
  assert.deepEqual([heard?.traceId, heard?.parentSpanId], [first?.traceId, first?.spanId]);
  assert.deepEqual([run?.traceId, run?.parentSpanId], [first?.traceId, first?.spanId]);
  assert.notEqual(other?.traceId, first?.traceId);
  assert.equal(new Set([first, heard, run, other].map((span) => span?.spanId)).size, 4);
});

Deno.test("a run that a compute started is below it, whichever of both is known first", async () => {
  const [before, run] = await trace((tracer) => {
    tracer.onComputed(compute(started("r")));
    tracer.onRun(ended("r"));
  });
  assert.deepEqual([run?.traceId, run?.parentSpanId], [before?.traceId, before?.spanId]);
  const [role, later, whole] = await trace((tracer) => {
    tracer.onRow(row("run.message", "r", { payload: { role: "ask", round: 1 } }));
    tracer.onComputed(compute(started("r")));
    tracer.onRun(ended("r"));
  });
  assert.equal(new Set([role, later, whole].map((span) => span?.traceId)).size, 1, "a span that was sent stays right");
  assert.deepEqual([role?.parentSpanId, whole?.parentSpanId], [whole?.spanId, later?.spanId]);
});

Deno.test("the trace of the signal goes before that of the run that the compute started", async () => {
  const [first, second, run] = await trace((tracer) => {
    tracer.onComputed(compute(signalled(7)));
    tracer.onComputed(compute(started("r"), { causeId: 7 }));
    tracer.onRun(ended("r"));
  });
  assert.deepEqual([second?.traceId, run?.traceId], [first?.traceId, first?.traceId]);
  assert.deepEqual([second?.parentSpanId, run?.parentSpanId], [first?.spanId, second?.spanId]);
  const [sent, heard, late] = await trace((tracer) => {
    tracer.onRow(row("run.started", "r"));
    tracer.onComputed(compute(signalled(7)));
    tracer.onComputed(compute(started("r"), { causeId: 7 }));
    tracer.onRun(ended("r"));
  });
  assert.deepEqual(
    [heard?.traceId, late?.traceId],
    [sent?.traceId, sent?.traceId],
    "also when the run was known first",
  );
});

Deno.test("a run is a span from its start to its end, once it has ended", async () => {
  const [span, dropped, failed, ...more] = await trace((tracer) => {
    tracer.onRun(newRun("r"));
    tracer.onRun({ ...ended("r"), startedAt: at + 10 });
    tracer.onRun(newRun("s", { status: "dropped", queuedAt: at + 5, endedAt: at + 6 }));
    tracer.onRun(newRun("t", { status: "failed", exitCode: 1, reason: "role ask failed", endedAt: at }));
  });
  assert.deepEqual([span?.name, span?.startTimeUnixNano, span?.endTimeUnixNano, more], [
    ...["run cleanup", nanosFrom(10), nanosFrom(50), []],
  ]);
  const keys = ["nerve.workflow", "nerve.run", "nerve.status", "nerve.rounds", "nerve.attempts", "nerve.exit_code"];
  assert.deepEqual(keys.map((key) => textOf(span, key)), ["cleanup", "r", "completed", "2", "0", "0"]);
  assert.deepEqual([dropped?.startTimeUnixNano, textOf(dropped, "nerve.exit_code")], [nanosFrom(5), undefined]);
  assert.deepEqual([span, dropped, failed].map((each) => statusOf(each).message), [
    undefined,
    "dropped",
    "role ask failed",
  ]);
});

Deno.test("what a role did lasts from the row before it, and a failed attempt is one, too", async () => {
  const spans = await trace((tracer) => {
    tracer.onRow(row("run.started", "r", { ts: at }));
    tracer.onRow(row("run.message", "r", { ts: at + 30, payload: { role: "ask", round: 1, attempt: 1 } }));
    const failure = { role: "tell", round: 2, attempt: 3, message: "no answer" };
    tracer.onRow(row("run.attempt_failed", "r", { ts: at + 45, payload: failure }));
    tracer.onRun(ended("r"));
  });
  assert.deepEqual(namesOf(spans), ["role ask", "role tell", "run cleanup"]);
  const [first, second, run] = spans;
  assert.deepEqual([first?.startTimeUnixNano, first?.endTimeUnixNano], [nanosFrom(0), nanosFrom(30)]);
  assert.deepEqual([second?.startTimeUnixNano, second?.endTimeUnixNano], [nanosFrom(30), nanosFrom(45)]);
  for (const span of [first, second]) {
    assert.deepEqual([span?.traceId, span?.parentSpanId], [run?.traceId, run?.spanId]);
  }
  const keys = ["nerve.workflow", "nerve.run", "nerve.round", "nerve.attempt"];
  assert.deepEqual(keys.map((key) => textOf(second, key)), ["cleanup", "r", "2", "3"]);
  assert.deepEqual([statusOf(first), statusOf(second).message], [{}, "no answer"]);
});

Deno.test("rows that are of no run, or say nothing of a role, make no span; an odd payload makes one without details", async () => {
  const spans = await trace((tracer) => {
    for (const type of ["sense.signal", "run.started", "run.waiting", "run.completed"] as const) {
      tracer.onRow(row(type, "r"));
    }
    tracer.onRow(row("run.message", null));
    for (const payload of ["odd", null]) tracer.onRow(row("run.message", "r", { payload }));
    tracer.onRow(row("run.attempt_failed", "r", { payload: { role: 3, round: "1", attempt: null } }));
  });
  assert.deepEqual(namesOf(spans), ["role ?", "role ?", "role ?"]);
  assert.deepEqual(spans.map((span) => textOf(span, "nerve.round")), [undefined, undefined, undefined]);
  assert.deepEqual(spans.map((span) => statusOf(span).message), [undefined, undefined, "it failed"]);
});

Deno.test("only the newest runs are remembered: a forgotten one begins another trace", async () => {
  const message = (runId: string) => row("run.message", runId, { payload: { role: runId } });
  const spans = await trace((tracer) => {
    for (const id of ["old", "kept"]) tracer.onRow(message(id));
    for (let n = 1; n < tracesKnownMax; n++) tracer.onRow(row("run.started", `r${n}`));
    for (const id of ["kept", "old"]) tracer.onRow(message(id));
  });
  const tracesOf = (role: string) => new Set(spans.filter(({ name }) => name === `role ${role}`).map((s) => s.traceId));
  assert.deepEqual([tracesOf("kept").size, tracesOf("old").size], [1, 2]);
});

Deno.test("a stopped tracer drops what comes, and counts it", async () => {
  const tracer = new Tracer({ url: "http://127.0.0.1:1/", headers: {}, resource: {} }, new FakeClock(), () => {});
  await tracer.stop();
  tracer.onRun(ended("r"));
  assert.deepEqual(tracer.counters, { sent: 0, dropped: 1 });
});
