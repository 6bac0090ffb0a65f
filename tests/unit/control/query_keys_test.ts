/** A misspelt key of a query is refused; the request is never answered as if the key were absent. */
import assert from "node:assert/strict";
import { apiBench, problemOf } from "../../support/api_bench.ts";

Deno.test("a key that a route does not know is refused by every route, and nothing is done", async () => {
  const { app, view } = apiBench();
  const routes = app.routes.filter(({ method, path }) => method !== "ALL" && path.startsWith("/v1/"));
  assert.ok(routes.length > 30);
  for (const { method, path } of routes) {
    const at = path.replace(":name", "cleanup").replace(":id", "run-1").replace(":alert", "full");
    const problem = await problemOf(await app.request(`${at}?nonsense=1`, { method }));
    assert.deepEqual([problem.status, problem.code], [400, "USAGE"], `${method} ${path}`);
    assert.match(problem.detail, /knows no "nonsense" in its query$/, `${method} ${path}`);
  }
  assert.equal(view.runsById.size, 1);
});

Deno.test("the refusal names what was meant, or what there is", async () => {
  const { app } = apiBench();
  const hintOf = async (method: string, path: string) => (await problemOf(await app.request(path, { method }))).hint;
  assert.equal(await hintOf("POST", "/v1/runs/run-1/resume?accept_code=1"), "did you mean acceptCode?");
  assert.equal(await hintOf("GET", "/v1/runs?state=failed"), "it takes workflow, status, before, limit, offset");
  assert.equal(await hintOf("GET", "/v1/health?verbose=1"), "it takes no query");
  assert.equal((await app.request("/v1/nothing?x=1")).status, 404);
  assert.equal((await app.request("/v1/runs/run-1?wait=0", { method: "HEAD" })).status, 200);
});
