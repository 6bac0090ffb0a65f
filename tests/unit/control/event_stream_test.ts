/** The event stream: every row once and in order, whatever the reader has missed and however slowly it reads. */
import assert from "node:assert/strict";
import { openEventStream, type StreamRow } from "../../../src/control/event_stream.ts";
import { LoggedView } from "../../support/event_bench.ts";
import fc from "../../support/fast_check.ts";

/** The ids of the next `count` rows. */
async function take(stream: AsyncIterator<{ kind: string; row?: StreamRow }>, count: number): Promise<number[]> {
  const ids: number[] = [];
  while (ids.length < count) {
    const { value, done } = await stream.next();
    if (done) break;
    ids.push(value.row?.id ?? -1);
  }
  return ids;
}

Deno.test("a stream begins with the next event, or after the last row that the reader has", async () => {
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

Deno.test("with an id from another log the stream tells of a gap, and begins with the first row", async () => {
  // The bug would be: data/ was removed, the ids begin anew, and a client that reconnects gets no event for days.
  const view = new LoggedView();
  view.append();
  const items = openEventStream(view, {}, 9_000)[Symbol.asyncIterator]();
  view.append();
  assert.deepEqual((await items.next()).value, { kind: "gap", gap: { afterId: 9_000, beforeId: 1 } });
  assert.deepEqual(await take(items, 2), [1, 2]);
});

Deno.test("rows that a slow reader's queue dropped are read from the log", async () => {
  const view = new LoggedView(), stream = openEventStream(view, {}, null), rows = stream[Symbol.asyncIterator]();
  view.append();
  assert.deepEqual(await take(rows, 1), [1]);
  for (let i = 0; i < 20; i++) view.append();
  assert.deepEqual(await take(rows, 20), Array.from({ length: 20 }, (_, at) => at + 2));
});

Deno.test("rows that were archived while the reader was away are reported as a gap", async () => {
  const view = new LoggedView();
  for (let i = 0; i < 6; i++) view.append();
  view.log.splice(0, 4);
  const items = openEventStream(view, {}, 2)[Symbol.asyncIterator]();
  assert.deepEqual((await items.next()).value, { kind: "gap", gap: { afterId: 2, beforeId: 5 } });
  assert.deepEqual(await take(items, 2), [5, 6]);
});

Deno.test("each matching row comes once, in whatever order rows are appended and the reader reads, leaves and returns", async () => {
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
    const expected = () => view.log.filter(({ refId }) => refId === "a").map(({ id }) => id);
    for (const next of steps) {
      if (next.do === "append") { for (let i = 0; i < next.count; i++) view.append("sense.signal", next.ref); }
      else if (next.do === "read") got.push(...await take(rows, Math.min(next.count, expected().length - got.length)));
      else {
        stream.close();
        stream = openEventStream(view, filter, got.at(-1) ?? 0);
        rows = stream[Symbol.asyncIterator]();
      }
    }
    got.push(...await take(rows, expected().length - got.length));
    assert.deepEqual(got, expected());
    stream.close();
  }));
});
