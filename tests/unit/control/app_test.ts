/** The control API without a socket: its answers, and the requests that it rejects. */
import { Validator } from "@seriousme/openapi-schema-validator";
import assert from "node:assert/strict";
import { requestBodyMaxBytes } from "../../../src/base/limits.ts";
import { healthSchema, runSchema, sensesSchema, workflowsSchema } from "../../../src/protocol/api.ts";
import { apiBench, problemOf } from "../../support/api_bench.ts";
import { aRun } from "../../support/api_views.ts";

Deno.test("the API answers as its schemas say", async () => {
  const { app } = apiBench();
  const bodyOf = async (path: string) => await (await app.request(path)).json();
  assert.equal(healthSchema.parse(await bodyOf("/v1/health")).pid, 42);
  assert.equal(sensesSchema.parse(await bodyOf("/v1/senses")).items.length, 1);
  assert.equal(workflowsSchema.parse(await bodyOf("/v1/workflows")).items[0]?.name, "cleanup");
  assert.deepEqual(runSchema.parse(await bodyOf("/v1/runs/run-1")), aRun());
});

Deno.test("an unknown sense, run, workflow and route give 404, with a hint where there is one", async () => {
  const { app, post } = apiBench();
  const sense = await problemOf(await app.request("/v1/senses/cpu-usge"));
  assert.deepEqual([sense.status, sense.code, sense.hint], [404, "SENSE_UNKNOWN", "there are: cpu-usage"]);
  const run = await problemOf(await app.request("/v1/runs/none"));
  assert.deepEqual([run.status, run.code], [404, "RUN_UNKNOWN"]);
  const messages = await problemOf(await app.request("/v1/runs/none/messages"));
  assert.deepEqual([messages.status, messages.code], [404, "RUN_UNKNOWN"]);
  const workflow = await problemOf(await post("/v1/workflows/other/runs", "{}"));
  assert.deepEqual([workflow.status, workflow.code], [404, "WORKFLOW_UNKNOWN"]);
  const route = await problemOf(await app.request("/v1/nothing"));
  assert.deepEqual([route.status, route.detail], [404, "there is no GET /v1/nothing"]);
});

Deno.test("a body over the limit is rejected before it is read completely", async () => {
  const { post, view } = apiBench();
  const problem = await problemOf(await post("/v1/workflows/cleanup/runs", " ".repeat(requestBodyMaxBytes + 1)));
  assert.equal(problem.status, 413);
  assert.equal(view.runsById.size, 1);
});

Deno.test("a body is read or refused, never ignored: without the JSON type it is 415", async () => {
  const { app, view } = apiBench(), body = '{"runId":"once"}', path = "/v1/workflows/cleanup/runs";
  for (const type of ["application/x-www-form-urlencoded", "text/plain", "", "application/jsonp", "text/json"]) {
    const problem = await problemOf(
      await app.request(path, { method: "POST", body: new Blob([body]), headers: { "content-type": type } }),
    );
    assert.deepEqual([problem.status, problem.hint?.includes("application/json")], [415, true], type);
  }
  assert.ok(!view.runsById.has("once") && !view.runsById.has("run-2"));
  for (const type of ["application/json", "Application/JSON; charset=utf-8"]) {
    assert.equal((await app.request(path, { method: "POST", body, headers: { "content-type": type } })).status, 200);
  }
  assert.equal((await app.request(path, { method: "POST" })).status, 200);
});

Deno.test("a body that is not JSON, or that a route does not take, is refused everywhere", async () => {
  const { app, post, view } = apiBench();
  const paths = app.routes.filter(({ method, path }) => method === "POST" && path.startsWith("/v1/"));
  assert.ok(paths.length >= 8);
  for (const path of new Set(paths.map((route) => route.path.replace(":name", "cleanup").replace(":id", "run-1")))) {
    for (const body of ["{", "nonsense", `{"a":}`]) {
      const problem = await problemOf(await post(path, body));
      assert.deepEqual([problem.status, problem.code], [400, "PAYLOAD_INVALID"], `${path} ${body}`);
      assert.match(problem.detail, /not JSON|takes no body/);
    }
    const unknown = await problemOf(await post(path, `{"unknown":1}`));
    assert.deepEqual([unknown.status, unknown.code], [400, "PAYLOAD_INVALID"], path);
  }
  assert.deepEqual(view.requests, []);
  assert.equal((await post("/v1/reload", "{}")).status, 200);
  assert.equal((await app.request("/v1/reload", { method: "POST" })).status, 200);
});

Deno.test("a method that a path does not have gives 405 with those that it has", async () => {
  const { app } = apiBench();
  for (const [method, path, allowed] of [["GET", "/v1/reload", "POST"], ["DELETE", "/v1/runs/run-1", "GET"]] as const) {
    const response = await app.request(path, { method });
    assert.equal(response.headers.get("allow"), allowed);
    const problem = await problemOf(response);
    assert.deepEqual([problem.status, problem.detail], [405, `there is no ${method} ${path}`]);
  }
});

Deno.test("a number that a double cannot hold is refused by name, not changed", async () => {
  const { post, view } = apiBench();
  const problem = await problemOf(await post("/v1/workflows/cleanup/runs", '{"payload":{"id":7615917337495251231}}'));
  assert.deepEqual([problem.status, problem.code], [400, "PAYLOAD_INVALID"]);
  assert.match(problem.detail, /7615917337495251231/);
  assert.ok(!view.runsById.has("once") && !view.runsById.has("run-2"));
});

Deno.test("the OpenAPI document describes every route that the app has", async () => {
  const { app } = apiBench();
  const document = await (await app.request("/v1/openapi.json")).json();
  const validator = new Validator();
  assert.deepEqual(await validator.validate(structuredClone(document)), { valid: true });
  assert.equal(validator.version, "3.1");
  // The validator does find errors.
  assert.equal((await validator.validate({ ...structuredClone(document), paths: { health: {} } })).valid, false);
  assert.equal(document.openapi, "3.1.0");
  assert.equal(document.info.version, "9.9.9");
  const described = Object.entries<Record<string, { responses: Record<string, unknown> }>>(document.paths)
    .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`));
  const routes = new Set(
    app.routes.filter(({ method }) => method !== "ALL")
      .map(({ method, path }) => `${method} ${path.replaceAll(/(?<=\/):(\w+)/g, "{$1}")}`),
  );
  assert.deepEqual(new Set(described), routes);
  for (const methods of Object.values<Record<string, { responses: Record<string, unknown> }>>(document.paths)) {
    for (const { responses } of Object.values(methods)) {
      for (const status of ["200", "400", "500", "503"]) assert.ok(status in responses);
    }
  }
});
