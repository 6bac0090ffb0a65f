/** The event stream: every row once and in order, whatever the reader has missed and however slowly it reads. */
import fc from "fast-check";
import assert from "node:assert/strict";
import { Broadcast } from "../../../src/base/broadcast.ts";
import { eventHeartbeatMs, sseClientsMax } from "../../../src/base/limits.ts";
import { createApp } from "../../../src/control/app.ts";
import { readEvents } from "../../../src/control/client/event_reader.ts";
import { openEventStream } from "../../../src/control/event_stream.ts";
import { problemSchema } from "../../../src/protocol/api.ts";
import type { LogFilter, LogRow, LogType } from "../../../src/protocol/log.ts";
import type { Records } from "../../../src/protocol/queries.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { FakeView } from "../../support/fake_view.ts";

/** A log in memory whose rows reach their followers as they are appended, through a queue of three. */
class LoggedView extends FakeView {
  readonly log: LogRow[] = [];
  override readonly rows = new Broadcast<LogRow>(3);
  override readonly records: Records = { ...new FakeView().records, logs: (filter) => this.#logs(filter) };
  #lastId = 0;

  append(type: LogType = "sense.signal", refId = "cpu"): LogRow {
    const row: LogRow = {
      ...{ id: ++this.#lastId, ts: 0, source: `sense:${refId}`, type, refId, causeId: null, payload: "a\n\nb" },
    };
    this.log.push(row);
    this.rows.publish(row);
    return row;
  }

  #logs({ afterId = 0, beforeId = Infinity, order, limit = 100 }: LogFilter): LogRow[] {
    const found = this.log.filter(({ id }) => id > afterId && id < beforeId);
    return (order === "desc" ? found.reverse() : found).slice(0, limit);
  }
}

/** The ids of the next `count` rows. */
async function take(stream: AsyncIterator<{ kind: string; row?: LogRow }>, count: number): Promise<number[]> {
  const ids: number[] = [];
  while (ids.length < count) {
    const { value, done } = await stream.next();
    if (done) break;
    ids.push(value.row?.id ?? -1);
  }
  return ids;
}

Deno.test("a stream begins with what comes, or after the row that the reader has", async () => {
  const view = new LoggedView();
  for (let i = 0; i < 5; i++) view.append();
  const fresh = openEventStream(view, {}, null),
    resumed = openEventStream(view, {}, 2),
    whole = openEventStream(view, {}, 0);
  view.append();
  assert.deepEqual(await take(fresh[Symbol.asyncIterator](), 1), [6]);
  assert.deepEqual(await take(resumed[Symbol.asyncIterator](), 4), [3, 4, 5, 6]);
  assert.deepEqual(await take(whole[Symbol.asyncIterator](), 6), [1, 2, 3, 4, 5, 6]);
  assert.equal(fresh.from, 5);
});

Deno.test("an id from another log begins with what comes", async () => {
  // The bug would be: data/ was removed, the ids begin anew, and a client that reconnects hears nothing for days.
  const view = new LoggedView();
  view.append();
  const stream = openEventStream(view, {}, 9_000);
  view.append();
  assert.deepEqual(await take(stream[Symbol.asyncIterator](), 1), [2]);
});

Deno.test("rows that a slow reader's queue dropped are read from the log", async () => {
  const view = new LoggedView(), stream = openEventStream(view, {}, null), rows = stream[Symbol.asyncIterator]();
  view.append();
  assert.deepEqual(await take(rows, 1), [1]);
  for (let i = 0; i < 20; i++) view.append();
  assert.deepEqual(await take(rows, 20), Array.from({ length: 20 }, (_, at) => at + 2));
});

Deno.test("rows that were archived while the reader was away are told as a gap", async () => {
  const view = new LoggedView();
  for (let i = 0; i < 6; i++) view.append();
  view.log.splice(0, 4);
  const items = openEventStream(view, {}, 2)[Symbol.asyncIterator]();
  assert.deepEqual((await items.next()).value, { kind: "gap", gap: { afterId: 2, beforeId: 5 } });
  assert.deepEqual(await take(items, 2), [5, 6]);
});

Deno.test("whatever the order of appending, reading, leaving and coming back, each matching row comes once", async () => {
  const step = fc.oneof(
    fc.record({
      do: fc.constant("append" as const),
      count: fc.integer({ min: 1, max: 8 }),
      ref: fc.constantFrom("a", "b"),
    }),
    fc.record({ do: fc.constant("read" as const), count: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ do: fc.constant("reconnect" as const) }),
  );
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
    const view = new LoggedView(), filter = { refId: "a" }, got: number[] = [];
    let stream = openEventStream(view, filter, 0), rows = stream[Symbol.asyncIterator]();
    const wanted = () => view.log.filter(({ refId }) => refId === "a").map(({ id }) => id);
    for (const next of steps) {
      if (next.do === "append") { for (let i = 0; i < next.count; i++) view.append("sense.signal", next.ref); }
      else if (next.do === "read") got.push(...await take(rows, Math.min(next.count, wanted().length - got.length)));
      else {
        stream.close();
        stream = openEventStream(view, filter, got.at(-1) ?? 0);
        rows = stream[Symbol.asyncIterator]();
      }
    }
    got.push(...await take(rows, wanted().length - got.length));
    assert.deepEqual(got, wanted());
    stream.close();
  }));
});

function setUp() {
  const view = new LoggedView(), clock = new FakeClock(), stopping = new AbortController();
  const gone = new AbortController().signal;
  const app = createApp(view, { version: "0", stop: () => {}, report: (thrown) => assert.fail(String(thrown)) });
  const open = async (path: string, headers: Record<string, string> = {}) => {
    const answer = await app.request(path, { headers }, { gone, stopping: stopping.signal, clock });
    return answer;
  };
  return { view, clock, stopping, open };
}

async function textOf(answer: Response, pattern: RegExp): Promise<string> {
  assert.ok(answer.body !== null);
  let text = "";
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  while (!pattern.test(text)) {
    const { value, done } = await reader.read();
    if (done) break;
    text += value;
  }
  await reader.cancel();
  return text;
}

Deno.test("events carry the id, the type and the row, and Last-Event-ID resumes", async () => {
  const { view, open } = setUp();
  for (let i = 0; i < 3; i++) view.append();
  const answer = await open("/v1/events?type=sense.signal", { "last-event-id": "1" });
  assert.equal(answer.headers.get("content-type"), "text/event-stream");
  const text = await textOf(answer, /id: 3\n.*\n.*\n\n/);
  assert.match(text, /^retry: 1000\nid: 1\n\nid: 2\nevent: sense\.signal\ndata: \{"id":2,.*\}\n\nid: 3\n/);
  assert.equal(view.rows.subscribers, 0, "nobody follows once the client has gone");
});

Deno.test("what the route writes is what the client reads, in whatever pieces it arrives", async () => {
  const { view, open } = setUp();
  for (let i = 0; i < 4; i++) view.append();
  const text = await textOf(await open("/v1/events?afterId=1"), /id: 4\n.*\n.*\n\n/);
  const bytes = new TextEncoder().encode(text);
  await fc.assert(fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 60 })), async (sizes) => {
    let at = 0;
    const parts = [...sizes, bytes.length].map((size) => bytes.slice(at, at += size));
    const read = await Array.fromAsync(readEvents(ReadableStream.from(parts)));
    assert.deepEqual(read, view.log.slice(1).map((row) => ({ kind: "row", row })));
  }));
});

Deno.test("a silent stream beats, and ends when the API stops, leaving no timer", async () => {
  const { clock, stopping, open, view } = setUp();
  const answer = await open("/v1/events");
  const text = textOf(answer, /never/);
  await clock.tick(eventHeartbeatMs);
  stopping.abort();
  assert.equal(await text, "retry: 1000\nid: 0\n\n: here\n\n");
  assert.equal(clock.pending, 0);
  assert.equal(view.rows.subscribers, 0);
});

Deno.test("a client over the limit is refused as CLIENTS_MANY, and let in when another has left", async () => {
  const { open } = setUp();
  const answers: Response[] = [];
  for (let i = 0; i < sseClientsMax; i++) answers.push(await open("/v1/events"));
  const refused = await open("/v1/events");
  assert.equal(refused.status, 503);
  assert.equal(problemSchema.parse(await refused.json()).code, "CLIENTS_MANY");
  const [first] = answers;
  assert.ok(first !== undefined);
  await textOf(first, /retry/);
  assert.equal((await open("/v1/events")).status, 200);
});
