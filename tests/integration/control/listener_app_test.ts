/** The listener over real sockets, with a real kernel behind it: who gets in, to what, and until when. */
import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { guessesMax, strangersMax } from "../../../src/base/access_limits.ts";
import { long } from "../../support/long_form.ts";
import { codeOf, type RawRequest, sendRaw } from "../../support/raw_http.ts";
import { type ServedWorkspace, serveWorkspace } from "../../support/served_workspace.ts";
import { hasSshKeygen, publicKeyOf, SshKeys } from "../../support/ssh_keys.ts";
import { within } from "../../support/workspace_fixture.ts";

function serveListener(more: Record<string, unknown> = {}): Promise<ServedWorkspace> {
  return serveWorkspace({
    yaml: { listen: { address: "127.0.0.1:0", hosts: ["dash.example.com"] }, senses: { a: {} }, ...more },
    senses: { a: "export const compute = () => ({ n: 1 });" },
  });
}

function portOf(served: ServedWorkspace): number {
  const { listener } = served.workspace.kernel.api.hooks;
  assert.equal(listener?.listening, true, JSON.stringify(listener));
  return Number(listener?.address.split(":").at(-1));
}

async function makeToken(served: ServedWorkspace, scope: string, name = scope): Promise<string> {
  const made = await served.nerve("token", "create", name, "--scope", scope, "--json");
  assert.equal(made.code, 0, made.err);
  return JSON.parse(made.out).secret;
}

/** The cookie of a new session. */
async function logIn(served: ServedWorkspace, ...flags: string[]): Promise<string> {
  const { out, err } = await served.nerve("dashboard", "--print", ...flags);
  const answer = await sendRaw(portOf(served), out.trim().replace(/^http:\/\/[^/]+/, ""));
  assert.equal(answer.status, 303, `${out} ${err} ${answer.text}`);
  const [cookie = ""] = (answer.headers["set-cookie"] ?? "").split(";");
  return cookie;
}

/** Without a wait that could be too short: each look lets everything else go on. */
async function until(done: () => boolean): Promise<void> {
  const look = async () => {
    while (!done()) await new Promise((resolve) => setImmediate(resolve));
  };
  await within(look(), "it to be so");
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

Deno.test("without a token or a session the listener gives nothing away but the dashboard's own files", async () => {
  await using served = await serveListener();
  const port = portOf(served);
  for (const path of ["/v1/health", "/v1/logs", "/v1/events", "/metrics", "/v1/openapi.json", "/v1/nope"]) {
    const answer = await sendRaw(port, path);
    assert.deepEqual([answer.status, codeOf(answer)], [401, "ACCESS_MISSING"], path);
  }
  for (const path of ["/", "/first.js", "/app.js", "/app.css"]) {
    const { status, headers, text } = await sendRaw(port, path);
    assert.equal(status, 200, path);
    const csp = headers["content-security-policy"] ?? "";
    assert.match(csp, /^default-src 'none'/);
    assert.doesNotMatch(csp, /unsafe|https?:|\*/);
    assert.match(csp, /frame-ancestors 'none'/);
    assert.deepEqual([headers["x-content-type-options"], headers["referrer-policy"]], ["nosniff", "no-referrer"]);
    assert.equal(headers["access-control-allow-origin"], undefined);
    assert.equal(text.includes(served.workspace.root), false);
    const again = await sendRaw(port, path, { headers: { "if-none-match": headers["etag"] ?? "" } });
    assert.deepEqual([again.status, again.text], [304, ""], path);
  }
  assert.equal((await sendRaw(port, "/app.map")).status, 404);
  assert.deepEqual(served.reported, []);
});

Deno.test("a token of scope read reads, one of scope operate acts, and neither makes tokens", async () => {
  await using served = await serveListener();
  const port = portOf(served), read = await makeToken(served, "read"), operate = await makeToken(served, "operate");
  const hook = await makeToken(served, "hook");
  const ask = async (token: string, path: string, request: RawRequest = {}) => {
    const answer = await sendRaw(port, path, { ...request, headers: { ...request.headers, ...bearer(token) } });
    return [answer.status, answer.status < 400 ? null : codeOf(answer)];
  };
  const post: RawRequest = { method: "POST" };
  for (const path of ["/v1/health", "/v1/senses", "/metrics", "/v1/session"]) {
    assert.deepEqual(await ask(read, path), [200, null], path);
    assert.deepEqual(await ask(operate, path), [200, null], path);
    assert.deepEqual(await ask(hook, path), [403, "ACCESS_SCOPE"], path);
  }
  assert.deepEqual(await ask(read, "/v1/senses/a/trigger", post), [403, "ACCESS_SCOPE"]);
  assert.deepEqual(await ask(operate, "/v1/senses/a/trigger", post), [200, null]);
  for (const path of ["/v1/access/tokens", "/v1/access/links", "/v1/access/revoke"]) {
    const json = { method: "POST", headers: { "content-type": "application/json" }, body: "{}" };
    assert.deepEqual(await ask(operate, path, json), [403, "ACCESS_SCOPE"], path);
  }
  assert.deepEqual(await ask(operate, "/v1/access/tokens"), [403, "ACCESS_SCOPE"]);
  // However the path is written.
  for (const path of ["/v1/%61ccess/tokens", "/v1/./access/tokens", "/v1/x/../access/tokens", "/v1/access%2ftokens"]) {
    const [status] = await ask(operate, path);
    assert.ok(status === 403 || status === 404, path);
  }
  for (const path of ["//v1/access/tokens", "/v1//access/tokens", "/V1/access/tokens"]) {
    assert.deepEqual(await ask(operate, path), [404, "USAGE"], path);
  }
  assert.deepEqual(await ask(operate, "/v1/nope"), [404, "USAGE"]);
  const { text } = await sendRaw(port, "/v1/session", { headers: bearer(read) });
  assert.deepEqual([JSON.parse(text).kind, JSON.parse(text).name, JSON.parse(text).scope], ["token", "read", "read"]);
});

Deno.test("a link opens one session, which ends when it is revoked, also what it follows", async () => {
  await using served = await serveListener();
  const port = portOf(served), { out } = await served.nerve("dashboard", "--print");
  const path = out.trim().replace(/^http:\/\/[^/]+/, "");
  // A browser that looks ahead, or a program that looks at links, does not use it up.
  assert.equal((await sendRaw(port, path, { method: "HEAD" })).status, 503);
  assert.equal((await sendRaw(port, path, { headers: { "sec-purpose": "prefetch" } })).status, 503);
  const opened = await sendRaw(port, path);
  assert.deepEqual([opened.status, opened.headers["location"]], [303, "/"]);
  assert.match(
    opened.headers["set-cookie"] ?? "",
    /^nerve_\w+=nerve_\w+_[\w-]+; Max-Age=604800; Path=\/; HttpOnly; SameSite=Strict$/,
  );
  const again = await sendRaw(port, path);
  assert.deepEqual([again.status, codeOf(again)], [401, "LINK_USED"]);
  const page = await sendRaw(port, path, { headers: { accept: "text/html,*/*" } });
  assert.match(page.text, /nerve dashboard<\/code>/);
  const wrong = await sendRaw(port, "/login?link=<script>alert(1)</script>", { headers: { accept: "text/html" } });
  assert.deepEqual([wrong.status, wrong.text.includes("alert")], [401, false]);
  assert.equal(codeOf(await sendRaw(port, "/login")), "LINK_UNKNOWN");

  const cookie = (opened.headers["set-cookie"] ?? "").split(";")[0] ?? "";
  assert.equal((await sendRaw(port, "/v1/health", { headers: { cookie } })).status, 200);
  // What is no cookie does not pass for one.
  const value = cookie.split("=")[1] ?? "";
  assert.equal(codeOf(await sendRaw(port, "/v1/health", { headers: bearer(value) })), "ACCESS_UNKNOWN");
  const stream = await fetch(`http://127.0.0.1:${port}/v1/events`, { headers: { cookie } });
  assert.equal(stream.headers.get("content-type"), "text/event-stream");
  const ended = stream.text();
  const { name } = JSON.parse((await served.nerve("token", "list", "--json")).out).items[0];
  assert.equal((await served.nerve("token", "revoke", name)).code, 0);
  assert.match(await ended, /^retry: /);
  assert.equal(codeOf(await sendRaw(port, "/v1/health", { headers: { cookie } })), "ACCESS_REVOKED");
  const next = await logIn(served);
  assert.equal((await served.nerve("token", "revoke", "--sessions")).code, 0);
  assert.equal(codeOf(await sendRaw(port, "/v1/health", { headers: { cookie: next } })), "ACCESS_REVOKED");
});

Deno.test("a page of another site, or of another port of this machine, gets nothing done with a session", async () => {
  await using served = await serveListener();
  const port = portOf(served), cookie = await logIn(served), own = `localhost:${port}`;
  const ask = async (headers: Record<string, string>, method = "POST", path = "/v1/reload") => {
    const answer = await sendRaw(port, path, { method, headers: { host: own, cookie, ...headers } });
    return answer.status < 400 ? answer.status : codeOf(answer);
  };
  assert.equal(await ask({ host: "evil.example" }), "HOST_REFUSED");
  assert.equal(await ask({ host: `evil.example:${port}` }, "GET", "/"), "HOST_REFUSED");
  for (
    const origin of ["https://evil.example", "null", "http://localhost:3000", `http://localhost.evil.example:${port}`]
  ) {
    assert.equal(await ask({ origin }), "ORIGIN_REFUSED", origin);
    assert.equal(await ask({ origin }, "GET", "/v1/health"), "ORIGIN_REFUSED", origin);
  }
  for (const site of ["cross-site", "same-site"]) {
    assert.equal(await ask({ "sec-fetch-site": site }), "ORIGIN_REFUSED", site);
    assert.equal(await ask({ "sec-fetch-site": site }, "GET", "/v1/health"), "ORIGIN_REFUSED", site);
    const framed = { "sec-fetch-site": site, "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe" };
    assert.equal(await ask(framed, "GET", "/"), "ORIGIN_REFUSED", site);
    // A person may come from anywhere, to a page that holds nothing.
    assert.equal(await ask({ ...framed, "sec-fetch-dest": "document" }, "GET", "/"), 200);
    assert.equal(await ask({ ...framed, "sec-fetch-dest": "document" }, "GET", "/v1/health"), "ORIGIN_REFUSED");
  }
  // Without a word from the browser a session only reads.
  assert.equal(await ask({}), "ORIGIN_REFUSED");
  assert.equal(await ask({}, "GET", "/v1/health"), 200);
  assert.equal(await ask({ origin: `http://${own}` }), 200);
  assert.equal(await ask({ "sec-fetch-site": "same-origin" }), 200);
  assert.equal(await ask({ host: "dash.example.com", origin: "https://dash.example.com" }), 200);
  const denied = served.workspace.kernel.api.access.denied;
  assert.deepEqual([denied["HOST_REFUSED"], (denied["ORIGIN_REFUSED"] ?? 0) > 10], [2, true]);
  const rows = await served.workspace.rows({ type: "access.denied" });
  assert.equal(rows.length, 2);
});

Deno.test("guessing is bounded and told, and keeps nobody out who has a token", async () => {
  await using served = await serveListener();
  const port = portOf(served), token = await makeToken(served, "read");
  const other = `nerve_${"0".repeat(16)}_${"x".repeat(43)}`;
  const codes = new Map<string, number>();
  for (let n = 0; n < strangersMax + 20; n++) {
    const code = codeOf(await sendRaw(port, "/v1/health", { headers: bearer(other) }));
    codes.set(code, (codes.get(code) ?? 0) + 1);
  }
  assert.ok((codes.get("ACCESS_UNKNOWN") ?? 0) >= strangersMax);
  assert.ok((codes.get("ACCESS_LIMITED") ?? 0) > 10, JSON.stringify([...codes]));
  assert.equal((await sendRaw(port, "/v1/health", { headers: bearer(token) })).status, 200);
  const near = token.slice(0, -1) + (token.endsWith("A") ? "B" : "A");
  for (let n = 0; n < guessesMax; n++) {
    assert.equal(codeOf(await sendRaw(port, "/v1/health", { headers: bearer(near) })), "ACCESS_UNKNOWN", `${n}`);
  }
  const limited = await sendRaw(port, "/v1/health", { headers: bearer(near) });
  assert.deepEqual([limited.status, codeOf(limited)], [429, "ACCESS_LIMITED"]);
  assert.equal((await served.workspace.rows({ type: "access.denied" })).length, 2);
});

Deno.test("tokens and sessions outlive the daemon, and a link does not", async () => {
  await using served = await serveListener();
  const token = await makeToken(served, "read"), cookie = await logIn(served);
  const link = (await served.nerve("dashboard", "--print")).out.trim().replace(/^http:\/\/[^/]+/, "");
  await served.stop();
  await served.workspace.start();
  await served.serve();
  const port = portOf(served);
  assert.equal((await sendRaw(port, "/v1/health", { headers: bearer(token) })).status, 200);
  assert.equal((await sendRaw(port, "/v1/health", { headers: { cookie } })).status, 200);
  assert.equal(codeOf(await sendRaw(port, link)), "LINK_UNKNOWN");
  const logs = await Deno.readFile(served.workspace.paths.logDatabase);
  assert.equal(new TextDecoder("latin1").decode(logs).includes(token.slice(23)), false);
});

Deno.test("a token of scope hook delivers to any hook, without the hook's own proof, and does nothing else", async () => {
  await using served = await serveListener({
    hooks: { git: { secret: "env NOT_SET_ANYWHERE", verify: "standard" } },
    reflexes: [{ sense: "a", hook: "git" }],
  });
  const port = portOf(served), hook = await makeToken(served, "hook"), operate = await makeToken(served, "operate");
  const deliver = (headers: Record<string, string>) =>
    sendRaw(port, "/hooks/git", {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: "{}",
    });
  assert.equal((await deliver(bearer(hook))).status, 202);
  assert.equal(codeOf(await deliver(bearer(operate))), "ACCESS_SCOPE");
  assert.equal(codeOf(await deliver(bearer(`${hook.slice(0, -1)}-`))), "ACCESS_UNKNOWN");
  // Nobody proves anything to a hook without a secret.
  assert.equal(codeOf(await deliver({})), "HOOK_BUSY");
  const [row] = await served.workspace.rows({ type: "hook.delivery" });
  assert.equal(JSON.stringify(row).includes("nerve_"), false);
});

Deno.test("an address that others reach is open while there is a token, and only then", async () => {
  await using served = await serveListener({ listen: "0.0.0.0:0" });
  const { hooks } = served.workspace.kernel.api, isOpen = () => hooks.listener?.listening;
  assert.equal(isOpen(), false);
  assert.match(hooks.listener?.problem ?? "", /0\.0\.0\.0 is not of the loopback.*nerve token create/);
  assert.match(String(served.reported.splice(0)), /0\.0\.0\.0 is not of the loopback/);
  const invalid = await served.nerve("validate");
  assert.deepEqual(
    [invalid.code, /listen: 0\.0\.0\.0 is not of the loopback/.test(invalid.out)],
    [1, true],
    invalid.out,
  );
  const token = await makeToken(served, "read");
  await until(() => isOpen() === true);
  assert.equal((await sendRaw(portOf(served), "/v1/health", { headers: bearer(token) })).status, 200);
  assert.equal((await served.nerve("validate")).code, 0);
  await served.nerve("token", "revoke", "read");
  await until(() => isOpen() === false);
  served.reported.splice(0);
});

long.test("who decides through the listener is named by what opened it, and approvers still have to sign", async () => {
  const ask = `import { defineWorkflow, END, gate } from "nerve";
    export default defineWorkflow({ roles: { one: gate({ title: "Go?" }) },
      moderator: ({ messages }) => messages.length === 0 ? "one" : END });`;
  const yaml = { listen: "127.0.0.1:0", workflows: { ask: {} } };
  await using served = await serveWorkspace({ yaml, workflows: { ask } });
  await using keys = new SshKeys();
  const { workspace } = served, port = portOf(served), token = await makeToken(served, "operate", "deputy");
  const headers = { ...bearer(token), "content-type": "application/json" };
  const decide = async (runId: string) => {
    const from = workspace.events.length;
    await workspace.kernel.startWorkflow("ask", { runId, prompt: "" });
    await workspace.run("waiting", from);
    const get = async (path: string) => JSON.parse((await sendRaw(port, path, { headers })).text);
    const { items: [{ id }] } = await get(`/v1/approvals?run=${runId}`);
    const { digest, options: [option] } = await get(`/v1/approvals/${id}`);
    const body = JSON.stringify({ option, digest, token: "t-1", by: "alice" });
    return await sendRaw(port, `/v1/approvals/${id}/decision`, { method: "POST", headers, body });
  };
  const decided = await decide("one");
  assert.equal(decided.status, 200, decided.text);
  assert.equal(JSON.parse(decided.text).approval.by, "alice (deputy)");
  if (!hasSshKeygen) return;
  const key = publicKeyOf(await keys.make("ada", "ed25519"));
  workspace.write("nerve.yaml", JSON.stringify({ ...yaml, approvers: { ada: { key } } }));
  await workspace.kernel.api.reload();
  const refused = await decide("two");
  assert.deepEqual([refused.status, codeOf(refused)], [403, "APPROVAL_FORBIDDEN"]);
});
