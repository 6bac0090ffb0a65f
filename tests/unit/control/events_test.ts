/** The route of the event stream: what a client reads, and when the stream ends. */
import assert from "node:assert/strict";
import { eventHeartbeatMs, sseClientsMax } from "../../../src/base/limits.ts";
import { problemSchema } from "../../../src/protocol/problem.ts";
import { apiBench } from "../../support/api_bench.ts";
import { eventBench, textOf } from "../../support/event_bench.ts";

Deno.test("events carry the id, the type and the row, and Last-Event-ID resumes", async () => {
  const { view, open } = eventBench();
  for (let i = 0; i < 3; i++) view.append();
  const answer = await open("/v1/events?type=sense.signal", { "last-event-id": "1" });
  assert.equal(answer.headers.get("content-type"), "text/event-stream");
  const text = await textOf(answer, /id: 3\n.*\n.*\n\n/);
  assert.match(text, /^retry: 1000\nid: 1\n\nid: 2\nevent: sense\.signal\ndata: \{"id":2,.*\}\n\nid: 3\n/);
  assert.equal(view.rows.subscribers, 0, "there is no follower once the client has gone");
});

Deno.test("rows that come together go out together, also to a reader that is slow", async () => {
  const { view, open } = eventBench(), { body } = await open("/v1/events");
  const reader = body?.pipeThrough(new TextDecoderStream()).getReader(),
    read = async () => (await reader?.read())?.value;
  assert.equal(await read(), "retry: 1000\nid: 0\n\n");
  const idsOf = (text = "") => [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
  for (const ids of [[1, 2, 3, 4, 5], [6], Array.from({ length: 300 }, (_, n) => 7 + n)]) {
    for (const _ of ids) view.append();
    const come: number[] = [];
    let reads = 0;
    for (; come.length < ids.length; reads++) come.push(...idsOf(await read()));
    assert.deepEqual(come, ids);
    assert.ok(reads <= 1 + ids.length / 50, `${reads} writes for ${ids.length} rows`);
  }
  await reader?.cancel();
});

Deno.test("a silent stream sends heartbeats, ends when the API stops, and leaves no timer", async () => {
  const { clock, stopping, open, view } = eventBench();
  const answer = await open("/v1/events");
  const text = textOf(answer, /never/);
  await clock.tick(eventHeartbeatMs);
  stopping.abort();
  assert.equal(await text, "retry: 1000\nid: 0\n\n: here\n\n");
  assert.equal(clock.pending, 0);
  assert.equal(view.rows.subscribers, 0);
});

Deno.test("a client over the limit is rejected with CLIENTS_MANY, and accepted when another has left", async () => {
  const { open } = eventBench();
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

Deno.test("HEAD of the event stream ends at once, and takes no client's place", async () => {
  // The bug would be: the stream of each HEAD never ends, and after 64 of them no one can follow the events.
  const { app, view } = apiBench(), gone = new AbortController().signal;
  for (let n = 0; n < 2 * sseClientsMax; n++) {
    const answer = await app.request("/v1/events", { method: "HEAD" }, { stopping: gone, gone });
    assert.deepEqual([answer.status, await answer.text()], [200, ""]);
  }
  assert.equal(view.rows.subscribers, 0);
});
