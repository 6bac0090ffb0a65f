/** The listener's app without its socket. */
import assert from "node:assert/strict";
import type { HookIntakePort } from "../../../src/control/hook_intake.ts";
import { createListenerApp } from "../../../src/control/listener_app.ts";
import { FakeView } from "../../support/fake_view.ts";
import type { HookAnswer, HookRequest } from "../../../src/protocol/hook.ts";

const reported: unknown[] = [];

function appWith(answer: HookAnswer | null = { kind: "accepted", id: 7 }, hosts: string[] = []) {
  const requests: HookRequest[] = [], tooLarge: string[] = [];
  const hooks: HookIntakePort = {
    bodyLimitOf: (name) => name === "git" ? 10 : null,
    onTooLarge: (name) => tooLarge.push(name),
    receive: (_name, request) => {
      requests.push(request);
      return Promise.resolve(answer);
    },
  };
  const { access } = new FakeView(), api = { fetch: () => new Response("from the api") };
  const app = createListenerApp({ hooks, access, api }, {
    hostname: "127.0.0.1",
    hosts,
    report: (thrown) => reported.push(thrown),
  });
  const post = async (path: string, init: RequestInit = {}) =>
    await app.request(path, {
      method: "POST",
      body: "{}",
      ...init,
      headers: { host: "127.0.0.1:7077", ...init.headers },
    });
  return { app, post, requests, tooLarge };
}

Deno.test("each answer of a hook has its status", async () => {
  const answers: [HookAnswer, number, string | null][] = [
    [{ kind: "accepted", id: 7 }, 202, null],
    [{ kind: "repeated", id: 7 }, 200, null],
    [{ kind: "unproven", why: "it has a wrong token" }, 401, null],
    [{ kind: "invalid", why: "it has no text" }, 400, null],
    [{ kind: "limited", why: "its rate", retryAfterMs: 1_500 }, 429, "2"],
    [{ kind: "backlogged", why: "its backlog", retryAfterMs: 10_000 }, 503, "10"],
    [{ kind: "failed", why: "the disk", retryAfterMs: 1 }, 503, "1"],
  ];
  for (const [answer, status, retryAfter] of answers) {
    const response = await appWith(answer).post("/hooks/git");
    assert.deepEqual([response.status, response.headers.get("retry-after")], [status, retryAfter], answer.kind);
  }
  const accepted = await appWith().post("/hooks/git");
  assert.deepEqual(await accepted.json(), { id: 7 });
  const refused = await appWith({ kind: "unproven", why: "it has a wrong token" }).post("/hooks/git");
  const { code, detail } = await refused.json();
  assert.deepEqual([code, detail], ["HOOK_UNPROVEN", "the delivery was refused: it has a wrong token"]);
  assert.equal((await (await appWith(answers[5]?.[0]).post("/hooks/git")).json()).code, "HOOK_BUSY");
});

Deno.test("it answers under its own names only: a page cannot reach it through a name of its own", async () => {
  const { post, requests } = appWith(undefined, ["hooks.example.com"]);
  const status = async (headers: Record<string, string>) => (await post("/hooks/git", { headers })).status;
  for (const host of ["127.0.0.1", "localhost:7077", "[::1]:7077", "LOCALHOST", "hooks.example.com:443"]) {
    assert.equal(await status({ host }), 202, host);
  }
  const taken = requests.length;
  for (
    const host of ["evil.example", "evil.example:7077", "127.0.0.1.evil.example", "localhost.evil.example", "", "[::1"]
  ) {
    assert.equal(await status({ host }), 421, host);
  }
  for (const origin of ["https://evil.example", "null", "http://127.0.0.1.evil.example"]) {
    assert.equal(await status({ origin }), 403, origin);
  }
  assert.equal(await status({ "sec-fetch-site": "cross-site" }), 403);
  assert.equal(requests.length, taken);
  assert.equal((await (await post("/hooks/git", { headers: { host: "evil.example" } })).json()).code, "HOST_REFUSED");
});

Deno.test("a body over the hook's limit is refused, whether or not its length is told", async () => {
  const { post, requests, tooLarge } = appWith();
  const told = { headers: { "content-length": "11" } };
  assert.equal((await post("/hooks/git", { body: "x".repeat(11), ...told })).status, 413);
  const stream = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(4)),
  });
  assert.equal((await post("/hooks/git", { body: stream })).status, 413);
  assert.deepEqual([requests.length, tooLarge], [0, ["git", "git"]]);
  assert.equal((await post("/hooks/git", { body: "x".repeat(10) })).status, 202);
});

Deno.test("what is no hook, no POST or no path of the listener is told apart", async () => {
  const { app, post } = appWith(), headers = { host: "localhost" };
  assert.equal((await post("/hooks/other")).status, 404);
  assert.equal((await (await post("/hooks/other")).json()).code, "HOOK_UNKNOWN");
  const get = await app.request("/hooks/git", { headers });
  assert.deepEqual([get.status, get.headers.get("allow")], [405, "POST"]);
  for (const path of ["/v1/health", "/v1/stop"]) assert.equal((await post(path)).status, 401, path);
  for (const path of ["/", "/hooks", "/hooks/git/more", "/hooks/..%2f..%2fv1"]) {
    assert.equal((await post(path)).status, 404, path);
  }
  assert.deepEqual(reported, []);
});

Deno.test("header names reach the hook in lower case", async () => {
  const { post, requests } = appWith();
  await post("/hooks/git", { headers: { "X-GitHub-Event": "push" } });
  assert.equal(requests[0]?.headers["x-github-event"], "push");
});
