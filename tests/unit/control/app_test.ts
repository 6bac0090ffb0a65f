/** The control API without a socket: what it answers, and what it refuses. */
import { Validator } from "@seriousme/openapi-schema-validator";
import assert from "node:assert/strict";
import { NerveError } from "../../../src/base/errors.ts";
import { requestBodyMaxBytes } from "../../../src/base/limits.ts";
import { createApp } from "../../../src/control/app.ts";
import {
  healthSchema,
  logsSchema,
  problemSchema,
  runListSchema,
  runSchema,
  sensesSchema,
  triggerReplySchema,
  workflowsSchema,
} from "../../../src/protocol/api.ts";
import { aRun, FakeView } from "../../support/fake_view.ts";

function setUp() {
  const view = new FakeView(), reported: unknown[] = [];
  const stopping = new AbortController(), env = { stopping: stopping.signal, gone: new AbortController().signal };
  let stops = 0;
  const app = createApp(view, {
    version: "9.9.9",
    stop: () => void stops++,
    report: (thrown) => reported.push(thrown),
  });
  const post = (path: string, body: string) =>
    app.request(path, { method: "POST", body, headers: { "content-type": "application/json" } }, env);
  const get = (path: string) => app.request(path, {}, env);
  return { view, app, get, post, stopping, reported, stops: () => stops };
}

async function problemOf(answer: Response) {
  assert.equal(answer.headers.get("content-type"), "application/problem+json");
  const problem = problemSchema.parse(await answer.json());
  assert.equal(problem.status, answer.status);
  return problem;
}

Deno.test("the API answers with what its schemas say", async () => {
  const { app } = setUp();
  const bodyOf = async (path: string) => await (await app.request(path)).json();
  assert.equal(healthSchema.parse(await bodyOf("/v1/health")).pid, 42);
  assert.equal(sensesSchema.parse(await bodyOf("/v1/senses")).items.length, 1);
  assert.equal(workflowsSchema.parse(await bodyOf("/v1/workflows")).items[0]?.name, "cleanup");
  assert.deepEqual(runSchema.parse(await bodyOf("/v1/runs/run-1")), aRun());
});

Deno.test("an unknown sense, run, workflow and route are 404 with a hint where there is one", async () => {
  const { app, post } = setUp();
  const sense = await problemOf(await app.request("/v1/senses/cpu-usge"));
  assert.deepEqual([sense.status, sense.code, sense.hint], [404, "SENSE_UNKNOWN", "There are: cpu-usage"]);
  const run = await problemOf(await app.request("/v1/runs/none"));
  assert.deepEqual([run.status, run.code], [404, "RUN_UNKNOWN"]);
  const messages = await problemOf(await app.request("/v1/runs/none/messages"));
  assert.deepEqual([messages.status, messages.code], [404, "RUN_UNKNOWN"]);
  const workflow = await problemOf(await post("/v1/workflows/other/runs", "{}"));
  assert.deepEqual([workflow.status, workflow.code], [404, "WORKFLOW_UNKNOWN"]);
  const route = await problemOf(await app.request("/v1/nothing"));
  assert.deepEqual([route.status, route.detail], [404, "There is no GET /v1/nothing"]);
});

Deno.test("a malformed request names the field that is wrong", async () => {
  const { app, post } = setUp();
  const rounds = await problemOf(await post("/v1/workflows/cleanup/runs", `{"maxRounds":0}`));
  assert.equal(rounds.status, 400);
  assert.equal(rounds.code, "PAYLOAD_INVALID");
  assert.match(rounds.detail, /maxRounds: .*1/);
  const unknown = await problemOf(await post("/v1/workflows/cleanup/runs", `{"promt":"x"}`));
  assert.match(unknown.detail, /promt/);
  const broken = await problemOf(await post("/v1/workflows/cleanup/runs", `{"prompt":`));
  assert.equal(broken.status, 400);
  const limit = await problemOf(await app.request("/v1/logs?limit=-1"));
  assert.match(limit.detail, /limit: must be a whole number/);
  const name = await problemOf(await app.request("/v1/senses/..%2Fetc"));
  assert.equal(name.status, 400);
  const status = await problemOf(await app.request("/v1/runs?status=done"));
  assert.equal(status.status, 400);
});

Deno.test("a body over the limit is refused before it is read whole", async () => {
  const { post, view } = setUp();
  const problem = await problemOf(await post("/v1/workflows/cleanup/runs", " ".repeat(requestBodyMaxBytes + 1)));
  assert.equal(problem.status, 413);
  assert.equal(view.runsById.size, 1);
});

Deno.test("a conflict keeps its code and its hint, and is not reported as a bug", async () => {
  const { post, view, reported } = setUp();
  view.start = () =>
    Promise.reject(new NerveError("RUN_CONFLICT", "run x has another payload", { hint: "choose an id" }));
  const problem = await problemOf(await post("/v1/workflows/cleanup/runs", "{}"));
  assert.deepEqual([problem.status, problem.code, problem.hint], [409, "RUN_CONFLICT", "choose an id"]);
  assert.deepEqual(reported, []);
});

Deno.test("a bug of ours is a 500 without its stack, and is reported", async () => {
  const { post, view, reported } = setUp();
  const bug = new TypeError("x is not a function");
  view.start = () => Promise.reject(bug);
  const problem = await problemOf(await post("/v1/workflows/cleanup/runs", "{}"));
  assert.equal(problem.status, 500);
  assert.doesNotMatch(JSON.stringify(problem), /app_test/);
  assert.deepEqual(reported, [bug]);
});

Deno.test("a client that breaks off while it sends its body is not reported as a bug, any other fault is", async () => {
  const { app, reported } = setUp();
  const send = (fault: unknown) => {
    const body = new ReadableStream({ pull: (controller) => controller.error(fault) });
    return app.request(new Request("http://localhost/v1/workflows/cleanup/runs", { method: "POST", body }));
  };
  await send(new DOMException("The client has gone", "AbortError"));
  assert.deepEqual(reported, []);
  const bug = new TypeError("x is not a function");
  await send(bug);
  assert.deepEqual(reported, [bug]);
});

Deno.test("a trigger answers at once, or with its outcome when asked to wait", async () => {
  const { post, view } = setUp();
  view.result = { kind: "signal", signal: { id: 13, sense: "cpu-usage", payload: 1, ts: 2 } };
  const now = triggerReplySchema.parse(await (await post("/v1/senses/cpu-usage/trigger", "")).json());
  assert.deepEqual(now, { computeId: 7, how: "started", until: null, outcome: null });
  const waited = triggerReplySchema.parse(await (await post("/v1/senses/cpu-usage/trigger?wait=1", "")).json());
  assert.deepEqual(waited.outcome, view.result);
});

Deno.test("whoever waits for a compute is answered without its outcome when the API stops", async () => {
  const { post, view, stopping } = setUp();
  const outcome = () => new Promise<never>(() => {}), recorded = () => Promise.resolve();
  view.triggerSense = () => ({ computeId: 7, how: "started", until: null, outcome, recorded });
  const answer = post("/v1/senses/cpu-usage/trigger?wait=1", "");
  await Promise.resolve();
  stopping.abort();
  assert.equal(triggerReplySchema.parse(await (await answer).json()).outcome, null);
});

Deno.test("a run asked for with wait=1 is answered when it has ended", async () => {
  const { get, view } = setUp();
  view.runsById.set("run-9", aRun({ runId: "run-9", status: "started", endedAt: null, exitCode: null }));
  const answer = get("/v1/runs/run-9?wait=1");
  while (view.waiting.length === 0) await Promise.resolve();
  view.runsById.set("run-9", aRun({ runId: "run-9" }));
  view.waiting[0]?.end();
  assert.equal(runSchema.parse(await (await answer).json()).status, "completed");
});

Deno.test("filters reach the records as they were asked for", async () => {
  const { get, view } = setUp();
  await get("/v1/runs?workflow=cleanup&status=failed,crashed&limit=5&offset=10");
  await get("/v1/runs/run-1/messages?before=4&limit=2");
  await get("/v1/logs?source=sense:cpu-usage&type=sense.signal&afterId=3&order=asc");
  await get("/v1/logs?archived=1&limit=1");
  assert.deepEqual(view.asked, [
    { workflow: "cleanup", statuses: ["failed", "crashed"], limit: 5, offset: 10 },
    { limit: 2, beforeRound: 4 },
    { source: "sense:cpu-usage", type: "sense.signal", afterId: 3, order: "asc", limit: 100 },
    "archived",
    { order: "desc", limit: 1 },
  ]);
});

Deno.test("a full page names the next one, with the filters it was asked with; the last page names none", async () => {
  const { get } = setUp();
  const logs = logsSchema.parse(await (await get("/v1/logs?source=sense:cpu-usage&limit=1")).json());
  assert.equal(logs.next, "/v1/logs?source=sense%3Acpu-usage&limit=1&beforeId=12");
  const ascending = logsSchema.parse(await (await get("/v1/logs?order=asc&limit=1&beforeId=90")).json());
  assert.equal(ascending.next, "/v1/logs?order=asc&limit=1&beforeId=90&afterId=12");
  assert.equal(logsSchema.parse(await (await get("/v1/logs")).json()).next, null);
  const runs = runListSchema.parse(await (await get("/v1/runs?workflow=cleanup&limit=1")).json());
  assert.equal(runs.next, "/v1/runs?workflow=cleanup&limit=1&before=run-1&offset=0");
  assert.equal(runListSchema.parse(await (await get("/v1/runs?before=run-9")).json()).next, null);
});

Deno.test("POST /v1/stop asks for the stop once", async () => {
  const { post, stops } = setUp();
  assert.equal((await post("/v1/stop", "")).status, 200);
  assert.equal(stops(), 1);
});

Deno.test("the OpenAPI document describes every route that the app has", async () => {
  const { app } = setUp();
  const document = await (await app.request("/v1/openapi.json")).json();
  const validator = new Validator();
  assert.deepEqual(await validator.validate(structuredClone(document)), { valid: true });
  assert.equal(validator.version, "3.1");
  // The validator does see what is wrong.
  assert.equal((await validator.validate({ ...structuredClone(document), paths: { health: {} } })).valid, false);
  assert.equal(document.openapi, "3.1.0");
  assert.equal(document.info.version, "9.9.9");
  const described = Object.entries<Record<string, { responses: Record<string, unknown> }>>(document.paths)
    .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`));
  const routes = new Set(
    app.routes.filter(({ method }) => method !== "ALL")
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`),
  );
  assert.deepEqual(new Set(described), routes);
  for (const methods of Object.values<Record<string, { responses: Record<string, unknown> }>>(document.paths)) {
    for (const { responses } of Object.values(methods)) {
      for (const status of ["200", "400", "500", "503"]) assert.ok(status in responses);
    }
  }
});
