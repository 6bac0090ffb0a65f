/** The routes of the kernel as a whole: its log, its stop. */
import assert from "node:assert/strict";
import { logsSchema, runListSchema } from "../../../src/protocol/api.ts";
import { apiBench } from "../../support/api_bench.ts";

Deno.test("filters reach the store as they were requested", async () => {
  const { get, view } = apiBench();
  await get("/v1/runs?workflow=cleanup&status=failed,crashed&limit=5&offset=10");
  await get("/v1/runs/run-1/messages?before=4&limit=2");
  await get("/v1/logs?source=sense:cpu-usage&type=sense.signal&afterId=3&order=asc");
  await get("/v1/logs?archived=1&limit=1");
  assert.deepEqual(view.requests, [
    { workflow: "cleanup", statuses: ["failed", "crashed"], limit: 5, offset: 10 },
    { limit: 2, beforeRound: 4 },
    { source: "sense:cpu-usage", type: "sense.signal", afterId: 3, order: "asc", limit: 100 },
    // Is there a row after the page?
    { source: "sense:cpu-usage", type: "sense.signal", afterId: 12, order: "asc", limit: 1 },
    "archived",
    { order: "desc", limit: 1 },
    { order: "desc", limit: 1, beforeId: 12 },
  ]);
});

Deno.test("a page links to the next one with the same filters; the last page has no link", async () => {
  const { get, view } = apiBench();
  view.ids = [11, 12, 13];
  const logs = logsSchema.parse(await (await get("/v1/logs?source=sense:cpu-usage&limit=1")).json());
  assert.equal(logs.next, "/v1/logs?source=sense%3Acpu-usage&limit=1&beforeId=13");
  const ascending = logsSchema.parse(await (await get("/v1/logs?order=asc&limit=1&beforeId=90")).json());
  assert.equal(ascending.next, "/v1/logs?order=asc&limit=1&beforeId=90&afterId=11");
  for (const last of ["/v1/logs", "/v1/logs?limit=3", "/v1/logs?limit=1&beforeId=12"]) {
    assert.equal(logsSchema.parse(await (await get(last)).json()).next, null, last);
  }
  const runs = runListSchema.parse(await (await get("/v1/runs?workflow=cleanup&limit=1")).json());
  assert.equal(runs.next, "/v1/runs?workflow=cleanup&limit=1&before=run-1&offset=0");
  assert.equal(runListSchema.parse(await (await get("/v1/runs?before=run-9")).json()).next, null);
});

Deno.test("POST /v1/stop asks for the stop once", async () => {
  const { post, stops } = apiBench();
  assert.equal((await post("/v1/stop", "")).status, 200);
  assert.equal(stops(), 1);
});
