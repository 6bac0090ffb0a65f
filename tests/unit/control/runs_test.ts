/** Starts, kills and resets over the control API: their answers, and the requests that are rejected. */
import { apiBench } from "../../support/api_bench.ts";
import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { systemClock } from "../../../src/base/clock.ts";
import { reasonMaxChars, startRunsMax } from "../../../src/base/limits.ts";
import { createApp } from "../../../src/control/app.ts";
import { resetSchema, runSchema, startRunsReplySchema } from "../../../src/protocol/api.ts";
import { unknownWorkflow } from "../../../src/protocol/common_errors.ts";
import { problemSchema } from "../../../src/protocol/problem.ts";
import { aRun } from "../../support/api_views.ts";
import { FakeView } from "../../support/fake_view.ts";

function setUp() {
  const view = new FakeView();
  const app = createApp(view, { version: "9.9.9", stop: () => {}, report: () => {} });
  const post = async (path: string, body?: string) => {
    const headers = { "content-type": "application/json" };
    const env = { gone: new AbortController().signal, stopping: new AbortController().signal, clock: systemClock };
    const answer = await app.request(path, { method: "POST", ...(body === undefined ? {} : { body, headers }) }, env);
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

Deno.test("a start with wait=1 is answered when its run has ended", async () => {
  const { view, post } = setUp();
  view.start = () => Promise.resolve(aRun({ runId: "run-9", status: "started", endedAt: null, exitCode: null }));
  const answer = post("/v1/workflows/cleanup/runs?wait=1", "{}");
  while (view.waiting.length === 0) await new Promise((resolve) => setImmediate(resolve));
  view.runsById.set("run-9", aRun({ runId: "run-9" }));
  view.waiting[0]?.end();
  assert.equal(runSchema.parse((await answer).body).status, "completed");
});

Deno.test("many starts are answered in their order, and one that is refused hinders no other", async () => {
  const { view, post } = setUp();
  view.start = (workflow, { runId = "" }) => {
    if (workflow !== "cleanup") return Promise.reject(unknownWorkflow(workflow, ["cleanup"]));
    return Promise.resolve(aRun({ runId, status: "started", endedAt: null, exitCode: null }));
  };
  const runs = Array.from({ length: 250 }, (_, n) => ({ workflow: n === 7 ? "none" : "cleanup", runId: `r${n}` }));
  const { items } = startRunsReplySchema.parse((await post("/v1/runs:batch", JSON.stringify({ runs }))).body);
  assert.deepEqual(items.map(({ run }) => run?.runId), runs.map(({ runId }, n) => n === 7 ? undefined : runId));
  assert.deepEqual([items[7]?.problem?.code, items[7]?.problem?.status], ["WORKFLOW_UNKNOWN", 404]);
});

Deno.test("a batch is bounded and not empty, and each start in it is checked", async () => {
  const { post } = setUp();
  const many = Array.from({ length: startRunsMax + 1 }, () => ({ workflow: "cleanup" }));
  for (const runs of [[], many, [{}], [{ workflow: "cleanup", maxRounds: 0 }], [{ workflow: "Clean Up" }]]) {
    const { status, body } = await post("/v1/runs:batch", JSON.stringify({ runs }));
    assert.deepEqual([status, problemSchema.parse(body).code], [400, "PAYLOAD_INVALID"]);
  }
  assert.equal((await post("/v1/runsbatch", "{}")).status, 404);
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
