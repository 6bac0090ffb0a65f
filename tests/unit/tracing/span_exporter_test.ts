/** Sending spans to a real receiver over HTTP. Danger: spans that pile up, or a receiver that is tried without end. */
import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { spansRetryMs, spansSendMs, spansSentMax, spansWaitingMax } from "../../../src/base/trace_limits.ts";
import { newSpanId, newTraceId, type TraceSpan } from "../../../src/tracing/otlp.ts";
import { SpanExporter } from "../../../src/tracing/span_exporter.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { serveReceiver } from "../../support/trace_receiver.ts";
import { within } from "../../support/workspace_fixture.ts";

const span = (name: string): TraceSpan => ({
  traceId: newTraceId(),
  spanId: newSpanId(),
  parentId: null,
  name,
  start: Date.UTC(2026, 0, 1),
  end: Date.UTC(2026, 0, 1) + 1.5,
  attributes: { text: "x", whole: 3, part: 0.5 },
  error: null,
});

function exporterTo(url: string, headers: Record<string, string> = {}) {
  const clock = new FakeClock(), problems: string[] = [];
  const options = { url, headers, resource: { "service.name": "nerve" } };
  return { exporter: new SpanExporter(options, clock, (problem) => problems.push(problem)), clock, problems };
}

Deno.test("spans are sent together, in the form of OTLP, with the headers that were asked for", async () => {
  await using receiver = serveReceiver();
  const { exporter, clock, problems } = exporterTo(receiver.url, { "x-key": "k" });
  for (const name of ["a", "b"]) exporter.add(span(name));
  await clock.tick(spansSendMs);
  await clock.until(() => exporter.counters.sent === 2, "both to be sent");
  const [request] = receiver.requests;
  assert.deepEqual([receiver.requests.length, request?.headers.get("x-key")], [1, "k"]);
  assert.equal(request?.headers.get("content-type"), "application/json");
  assert.deepEqual(receiver.spans().map(({ name }) => name), ["a", "b"]);
  const [first] = receiver.spans();
  assert.match(String(first?.traceId), /^[0-9a-f]{32}$/);
  assert.match(String(first?.spanId), /^[0-9a-f]{16}$/);
  assert.deepEqual([first?.startTimeUnixNano, first?.endTimeUnixNano], ["1767225600000000000", "1767225600001500000"]);
  assert.deepEqual(first?.attributes, [
    { key: "text", value: { stringValue: "x" } },
    { key: "whole", value: { intValue: "3" } },
    { key: "part", value: { doubleValue: 0.5 } },
  ]);
  await exporter.stop();
  assert.deepEqual(problems, []);
});

Deno.test("a receiver that is away is reported once, asked ever more seldom, and gets what waited", async () => {
  await using receiver = serveReceiver();
  const { exporter, clock, problems } = exporterTo(receiver.url);
  const from = clock.monotonic();
  const goOn = async (done: () => boolean) => {
    while (!done()) {
      // In small steps: an answer takes real time, and only a little fake time may pass meanwhile.
      await clock.tick(10);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  receiver.status = 503;
  exporter.add(span("a"));
  await within(goOn(() => receiver.requests.length >= 5), "five tries");
  assert.ok(clock.monotonic() - from >= spansSendMs + (1 + 2 + 4 + 8) * spansRetryMs);
  assert.equal(problems.length, 1);
  assert.match(problems[0] ?? "", /^traces cannot be sent to 127\.0\.0\.1:\d+: it answered 503$/);
  receiver.status = 200;
  await within(goOn(() => exporter.counters.sent > 0), "the rest to be sent");
  assert.deepEqual(exporter.counters, { sent: 1, dropped: 0 });
  await exporter.stop();
});

Deno.test("what finds no place, and what is refused, is dropped and counted", async () => {
  await using receiver = serveReceiver();
  const { exporter, clock } = exporterTo(receiver.url);
  for (let n = 0; n < spansWaitingMax + 100; n++) exporter.add(span(`${n}`));
  assert.equal(exporter.counters.dropped, 100);
  receiver.status = 400;
  await clock.tick(spansSendMs);
  await clock.until(() => exporter.counters.dropped >= 100 + spansSentMax, "one request to be refused");
  receiver.status = 200;
  await exporter.stop();
  const { sent, dropped } = exporter.counters;
  assert.equal(sent + dropped, spansWaitingMax + 100);
  assert.ok(sent > 0);
  exporter.add(span("late"));
  assert.equal(exporter.counters.dropped, dropped + 1);
});

Deno.test("nobody who is there is no reason to wait for: a stop ends, and counts what is left", async () => {
  const { exporter, clock, problems } = exporterTo("http://127.0.0.1:1/v1/traces");
  exporter.add(span("a"));
  const stopped = exporter.stop();
  await clock.until(() => problems.length === 1, "the failure to be told");
  await stopped;
  assert.deepEqual(exporter.counters, { sent: 0, dropped: 1 });
});
