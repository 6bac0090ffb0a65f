/** Errors as answers of the API: the status and code of each, and which are reported as bugs. */
import assert from "node:assert/strict";
import { NerveError } from "../../../src/base/errors.ts";
import { apiBench, problemOf } from "../../support/api_bench.ts";

Deno.test("a malformed request names the field that is wrong", async () => {
  const { app, post } = apiBench();
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

Deno.test("a conflict keeps its code and its hint, and is not reported as a bug", async () => {
  const { post, view, reported } = apiBench();
  view.start = () =>
    Promise.reject(new NerveError("RUN_CONFLICT", "run x has another payload", { hint: "choose an id" }));
  const problem = await problemOf(await post("/v1/workflows/cleanup/runs", "{}"));
  assert.deepEqual([problem.status, problem.code, problem.hint], [409, "RUN_CONFLICT", "choose an id"]);
  assert.deepEqual(reported, []);
});

Deno.test("a bug of nerve is a 500 without its stack, and is reported", async () => {
  const { post, view, reported } = apiBench();
  const bug = new TypeError("x is not a function");
  view.start = () => Promise.reject(bug);
  const problem = await problemOf(await post("/v1/workflows/cleanup/runs", "{}"));
  assert.equal(problem.status, 500);
  assert.doesNotMatch(JSON.stringify(problem), /app_test/);
  assert.deepEqual(reported, [bug]);
});

Deno.test("a client that disconnects while it sends its body is not reported as a bug, any other failure is", async () => {
  const { app, reported } = apiBench();
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
