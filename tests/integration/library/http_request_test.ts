/** The workflow http-request with a real server, in its sandbox. */
import assert from "node:assert/strict";
import { type Config, TestWorkflow } from "../../support/library.ts";
import { long } from "../../support/long_form.ts";

interface Seen {
  readonly method: string;
  readonly headers: Headers;
  readonly body: string;
}

/** A server that answers as `answers` say, the last one again and again. */
async function withServer(
  answers: readonly (() => Response)[],
  test: (
    host: string,
    seen: Seen[],
    run: (config: Config, payload?: { used: number; text: string }) => ReturnType<TestWorkflow["run"]>,
  ) => Promise<void>,
): Promise<void> {
  const seen: Seen[] = [];
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { method, headers } = request;
    seen.push({ method, headers: new Headers(headers), body: await request.text() });
    return (answers[seen.length - 1] ?? answers.at(-1))?.() ?? new Response(null);
  });
  const host = `127.0.0.1:${server.addr.port}`;
  Deno.env.set("HOOK_TOKEN", "s3cret");
  try {
    await using workflow = new TestWorkflow("http-request", { net: [host], env: ["HOOK_TOKEN"] });
    await test(host, seen, (config, payload) => {
      return workflow.run({
        config: { retry_delay: "1ms", ...config },
        prompt: 'it is "full"',
        payload: payload ?? null,
        runId: "r7",
      });
    });
  } finally {
    Deno.env.delete("HOOK_TOKEN");
  }
}

const ok = () => new Response("fine");

long.test("http-request sends the filled body, its headers, and the id of the run", async () => {
  await withServer([ok], async (host, seen, run) => {
    const body = '{"text": "now {{payload.used}}: {{prompt}}", "all": "{{payload}}"}';
    const config = { url: `http://${host}/a?b=c`, method: "PUT", body, headers: ["X-Kind: alert: red"] };
    const { messages, error } = await run(config, { used: 0.9, text: '","all":1' });
    assert.equal(error, null);
    assert.deepEqual(messages[0]?.meta, {
      url: `http://${host}/a`,
      method: "PUT",
      status: 200,
      attempt: 1,
      answer: "fine",
    });
    const [first] = seen;
    assert.deepEqual(JSON.parse(first?.body ?? ""), {
      text: 'now 0.9: it is "full"',
      all: { used: 0.9, text: '","all":1' },
    });
    const of = (name: string) => first?.headers.get(name);
    assert.deepEqual([first?.method, of("x-kind"), of("content-type"), of("idempotency-key")], [
      ...["PUT", "alert: red", "application/json", "r7"],
    ]);
    await run({ url: `http://${host}/` });
    assert.deepEqual(JSON.parse(seen[1]?.body ?? ""), {
      ...{ runId: "r7", workflow: "http-request", text: 'it is "full"', payload: null, trigger: { kind: "manual" } },
    });
    await run({ url: `http://${host}/`, method: "GET" });
    assert.equal(seen[2]?.body, "");
  });
});

long.test("http-request tries again after 5xx and 429, as long as the server asks, with the same key", async () => {
  const busy = () => new Response("later", { status: 503, headers: { "retry-after": "0" } });
  const limited = () => new Response(null, { status: 429, headers: { "retry-after": new Date(0).toUTCString() } });
  await withServer([busy, limited, () => new Response(null, { status: 500 }), ok], async (host, seen, run) => {
    const { messages, logs } = await run({ url: `http://${host}/` });
    assert.equal(messages[0]?.meta.attempt, 4);
    assert.deepEqual(seen.map(({ headers }) => headers.get("idempotency-key")), Array(4).fill("r7"));
    assert.deepEqual(logs, [
      "warn attempt 1 failed: status 503",
      "warn attempt 2 failed: status 429",
      "warn attempt 3 failed: status 500",
    ]);
  });
  const hour = () => new Response(null, { status: 429, headers: { "retry-after": "3600" } });
  await withServer([hour], async (host, seen, run) => {
    const { error } = await run({ url: `http://${host}/`, max_wait: "10s" });
    assert.match(error?.message ?? "", /asks to wait for 3600 s: more than config\.max_wait/);
    assert.equal(seen.length, 1);
  });
});

long.test("http-request ends at a status that says no, and when attempts run out", async () => {
  for (const status of [400, 401, 404, 302]) {
    await withServer([() => new Response("no", { status })], async (host, seen, run) => {
      const { error } = await run({ url: `http://${host}/` });
      assert.match(error?.message ?? "", new RegExp(`refused with status ${status}: no`));
      assert.equal(seen.length, 1);
    });
  }
  await withServer([() => new Response(null, { status: 502 })], async (host, seen, run) => {
    const { error } = await run({ url: `http://${host}/`, attempts: 3 });
    assert.match(error?.message ?? "", /none of 3 attempts was accepted: status 502/);
    assert.equal(seen.length, 3);
  });
});

Deno.test("http-request sends a secret and a password, and tells them nobody", async () => {
  const echo = (status: number) => () =>
    new Response(`you said s3cret, ${btoa("ada:pass")}, POST /?token=query, pass, http://ada:pass@h/`, { status });
  await withServer([echo(200), echo(400), echo(500)], async (host, seen, run) => {
    const config = {
      url: `http://ada:pass@${host}/?token=query`,
      secret_env: "HOOK_TOKEN",
      secret_header: "X-Token",
      secret_prefix: "v1 ",
    };
    const told = [await run(config), await run(config), await run({ ...config, attempts: 1 })];
    assert.equal(seen[0]?.headers.get("x-token"), "v1 s3cret");
    assert.equal(seen[0]?.headers.get("authorization"), `Basic ${btoa("ada:pass")}`);
    // The bug was: a server that echoes its request told the password in the form of basic authentication, and the query.
    const text = JSON.stringify(told);
    assert.doesNotMatch(text, /s3cret|pass|query|YWRhOnBhc3M/);
    assert.match(text, /you said \*\*\*/);
    const { error } = await run({ ...config, secret_env: "OTHER_TOKEN" });
    assert.equal(error?.name, "NotCapable", "not granted");
  });
});

long.test("http-request refuses what is no request", async () => {
  await using workflow = new TestWorkflow("http-request", {});
  for (
    const [config, why] of [
      [{ url: "ftp://ada:pass@h/" }, /http: or https:/],
      [{ url: "http://h/", method: "BREW" }, /config\.method/],
      [{ url: "http://h/", body: "{text}" }, /config\.body must be JSON/],
      [{ url: "http://h/", headers: ["no colon"] }, /config\.headers/],
      [{ url: "http://h/", headers: ["X-A: b\r\nX-B: pass"] }, /config\.headers/],
    ] as const
  ) {
    const { error } = await workflow.run({ config });
    assert.match(error?.message ?? "", why);
    assert.doesNotMatch(error?.message ?? "", /pass/);
  }
});

Deno.test("http-request fails with NotCapable without its grant, at the first attempt", async () => {
  await using workflow = new TestWorkflow("http-request", {});
  const { error } = await workflow.run({ config: { url: "http://127.0.0.1:8765/", attempts: 1 } });
  assert.equal(error?.name, "NotCapable", error?.message);
});
