/** Kills and resets over the control API: their answers, and the requests that are rejected. */
import { apiBench } from "../../support/api_bench.ts";
import assert from "node:assert/strict";
import { reasonMaxChars } from "../../../src/base/limits.ts";
import { createApp } from "../../../src/control/app.ts";
import { problemSchema, resetSchema, runSchema } from "../../../src/protocol/api.ts";
import { aRun, FakeView } from "../../support/fake_view.ts";

function setUp() {
  const view = new FakeView();
  const app = createApp(view, { version: "9.9.9", stop: () => {}, report: () => {} });
  const post = async (path: string, body?: string) => {
    const headers = { "content-type": "application/json" };
    const answer = await app.request(path, { method: "POST", ...(body === undefined ? {} : { body, headers }) });
    return { status: answer.status, body: await answer.json() };
  };
  return { view, post };
}

Deno.test("a kill answers with the killed run, and is rejected for a run that has ended or does not exist", async () => {
  const { view, post } = setUp();
  view.runsById.set("going", aRun({ runId: "going", status: "started", exitCode: null, endedAt: null }));
  const killed = await post("/v1/runs/going/kill", `{"reason":"not needed"}`);
  assert.equal(killed.status, 200);
  const run = runSchema.parse(killed.body);
  assert.deepEqual([run.status, run.exitCode, run.reason], ["killed", 137, "not needed"]);
  const again = await post("/v1/runs/going/kill", "{}");
  assert.deepEqual([again.status, problemSchema.parse(again.body).code], [409, "RUN_ENDED"]);
  const none = await post("/v1/runs/none/kill", "{}");
  assert.deepEqual([none.status, problemSchema.parse(none.body).code], [404, "RUN_UNKNOWN"]);
});

Deno.test("a kill accepts a bounded reason and nothing else", async () => {
  const { post } = setUp();
  for (const body of [`{"reason":""}`, `{"why":"x"}`, JSON.stringify({ reason: "x".repeat(reasonMaxChars + 1) })]) {
    const { status, body: problem } = await post("/v1/runs/run-1/kill", body);
    assert.deepEqual([status, problemSchema.parse(problem).code], [400, "PAYLOAD_INVALID"]);
  }
});

Deno.test("a reset says whether there was a quarantine to lift, and rejects unknown names", async () => {
  const { view, post } = setUp();
  for (const path of ["/v1/senses/cpu-usage/reset", "/v1/workflows/cleanup/reset"]) {
    view.quarantined = true;
    assert.deepEqual(resetSchema.parse((await post(path)).body), { lifted: true });
    view.quarantined = false;
    assert.deepEqual(resetSchema.parse((await post(path)).body), { lifted: false });
  }
  const sense = await post("/v1/senses/cpu/reset"), workflow = await post("/v1/workflows/clean/reset");
  assert.deepEqual([sense.status, problemSchema.parse(sense.body).hint], [404, "there are: cpu-usage"]);
  assert.deepEqual([workflow.status, problemSchema.parse(workflow.body).hint], [404, "there are: cleanup"]);
});

Deno.test("a run requested with wait=1 is answered when it has ended", async () => {
  const { get, view } = apiBench();
  view.runsById.set("run-9", aRun({ runId: "run-9", status: "started", endedAt: null, exitCode: null }));
  const answer = get("/v1/runs/run-9?wait=1");
  while (view.waiting.length === 0) await Promise.resolve();
  view.runsById.set("run-9", aRun({ runId: "run-9" }));
  view.waiting[0]?.end();
  assert.equal(runSchema.parse(await (await answer).json()).status, "completed");
});
