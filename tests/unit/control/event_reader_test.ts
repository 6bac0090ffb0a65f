/** The client's side of the event stream. */
import assert from "node:assert/strict";
import { readEvents } from "../../../src/control/client/event_reader.ts";
import { eventBench, textOf } from "../../support/event_bench.ts";
import fc from "../../support/fast_check.ts";

Deno.test("the client reads the events that the route wrote, in whatever pieces they arrive", async () => {
  const { view, open } = eventBench();
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
