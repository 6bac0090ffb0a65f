/**
 * The channels of the workflow notify, in its sandbox, against real servers of their protocols. Danger: a secret in the
 * log, a text that breaks out of its form, or a chat that is full of one incident.
 */
import assert from "node:assert/strict";
import { TestWorkflow } from "../../support/library.ts";
import { long } from "../../support/long_form.ts";

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | null;
  // deno-lint-ignore no-explicit-any -- whatever was posted
  readonly body: any;
}

const secret = "s3cret-of-the-test";
const variables = { NOTIFY_TEST_SECRET: secret };

type Answer = (asked: Asked) => Response;

/** `work` gets the address of a server that answers so, what it was asked, and the workflow, which may reach it. */
async function serving(
  answer: Answer,
  work: (url: string, asked: readonly Asked[], workflow: TestWorkflow) => Promise<void>,
): Promise<void> {
  const asked: Asked[] = [];
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { pathname, search } = new URL(request.url), authorization = request.headers.get("authorization");
    const body = await request.json(),
      one = { method: request.method, path: `${pathname}${search}`, authorization, body };
    asked.push(one);
    return answer(one);
  });
  for (const [name, value] of Object.entries(variables)) Deno.env.set(name, value);
  Deno.env.set("NOTIFY_TEST_URL", `http://127.0.0.1:${server.addr.port}/hooks/${secret}`);
  try {
    const env = [...Object.keys(variables), "NOTIFY_TEST_URL"];
    await using workflow = new TestWorkflow("notify", { net: [`127.0.0.1:${server.addr.port}`], env });
    await work(`http://127.0.0.1:${server.addr.port}`, asked, workflow);
  } finally {
    for (const name of [...Object.keys(variables), "NOTIFY_TEST_URL"]) Deno.env.delete(name);
  }
}

const payload = { alert: "disk-full", key: "/", state: "firing", since: 1_764_409_380_000, severity: "critical" };
const firing = { prompt: "/ is <93%> full & *rising*", payload };
const resolved = { prompt: "resolved: / is 70% full", payload: { ...payload, state: "resolved" } };

Deno.test("ntfy gets a topic, a priority, and one sequence for all notices of an incident", () =>
  serving(() => Response.json({ id: "x" }), async (url, asked, workflow) => {
    const config = { channel: "ntfy", url, to: "alerts", secret_env: "NOTIFY_TEST_SECRET" };
    for (const notice of [firing, resolved]) assert.equal((await workflow.run({ config, ...notice })).error, null);
    await workflow.run({ config, prompt: "hello" });
    const [first, second, third] = asked.map(({ body }) => body);
    assert.equal(asked[0]?.authorization, `Bearer ${secret}`);
    assert.deepEqual([first.topic, first.title, first.priority], ["alerts", "disk-full /", 5]);
    assert.deepEqual([first.message, first.tags], [firing.prompt, ["rotating_light"]]);
    assert.match(first.sequence_id, /^[\da-f]{32}$/);
    assert.deepEqual([second.sequence_id, second.priority, second.tags], [first.sequence_id, 3, ["white_check_mark"]]);
    assert.deepEqual([third.message, third.title, third.priority], ["hello", "notify", 3]);
    assert.equal(third.sequence_id, undefined);
  }));

Deno.test("Slack gets a text that cannot break out of its form, and its address stays out of the log", () =>
  serving(() => new Response("ok"), async (url, asked, workflow) => {
    const { messages } = await workflow.run({ config: { channel: "slack", url_env: "NOTIFY_TEST_URL" }, ...firing });
    assert.equal(asked[0]?.path, `/hooks/${secret}`);
    assert.equal(asked[0]?.body.text, "🔴 *disk-full /*\n/ is &lt;93%&gt; full &amp; *rising*");
    assert.deepEqual([messages[0]?.content, messages[0]?.meta.url], [`${url} answered 200 at attempt 1`, url]);
    assert.ok(!JSON.stringify(messages).includes(secret));
  }));

long.test("a chat that rejects the message is named without its secret", () =>
  serving(() => new Response("no_team", { status: 404 }), async (url, _, workflow) => {
    const { error } = await workflow.run({ config: { channel: "slack", url_env: "NOTIFY_TEST_URL" }, ...firing });
    assert.match(error?.message ?? "", new RegExp(`^${url} rejected it: status 404`));
    assert.ok(!error?.message.includes(secret));
  }));

long.test("a text that no channel could take is sent without what is wrong in it, and as long as the service takes", () =>
  serving(() => Response.json({ id: "x" }), async (url, asked, workflow) => {
    // The bug would be: a NUL of a signal fails every attempt of logger; ntfy makes a file of 10 kB; Discord shows a link.
    const bad = { prompt: `a\0b \x1b[31m \ud800 ${"語".repeat(3_000)}`, payload: { ...payload, key: "x\n# [y](z)" } };
    const run = (config: Record<string, string>) => workflow.run({ config, ...bad });
    assert.equal((await run({ channel: "ntfy", url, to: "alerts" })).error, null);
    assert.equal((await run({ channel: "discord", url })).error, null);
    const [{ title, message }, { content }] = asked.map(({ body }) => body);
    assert.deepEqual([title, message.slice(0, 14)], ["disk-full x # [y](z)", "a\ufffdb \ufffd[31m \ufffd 語語"]);
    const bytes = new TextEncoder().encode(message).length;
    assert.ok(bytes <= 3_500 && bytes > 3_490 && message.endsWith("語…"), `${bytes} ${message.slice(-3)}`);
    assert.equal(content.split("\n")[0], "🔴 **disk-full x \\# \\[y\\](z)**");
  }));

Deno.test("Discord gets a message without mentions; its id is kept", () =>
  serving(() => Response.json({ id: "1234567890123456789" }), async (_, asked, workflow) => {
    const config = { channel: "discord", url_env: "NOTIFY_TEST_URL" };
    const { messages } = await workflow.run({ config, ...firing, prompt: `@everyone ${"x".repeat(3_000)}` });
    assert.equal(asked[0]?.path, `/hooks/${secret}?wait=true`);
    assert.deepEqual(asked[0]?.body.allowed_mentions, { parse: [] });
    assert.equal(asked[0]?.body.content.length, 2_000);
    assert.equal(messages[0]?.meta.message, "1234567890123456789");
  }));

Deno.test("Telegram gets a message by the token of its bot, and asks to wait as long as it says", () => {
  let calls = 0;
  const answer = () =>
    ++calls === 1
      ? Response.json({ ok: false }, { status: 429, headers: { "retry-after": "0.01" } })
      : Response.json({ ok: true, result: { message_id: 77 } });
  return serving(answer, async (url, asked, workflow) => {
    const config = { channel: "telegram", url, to: "-100200", secret_env: "NOTIFY_TEST_SECRET", retry_delay: "1ms" };
    const { messages, error } = await workflow.run({ config, ...firing });
    assert.equal(error, null);
    assert.equal(asked[1]?.path, `/bot${secret}/sendMessage`);
    assert.equal(asked[1]?.body.chat_id, "-100200");
    assert.equal(asked[1]?.body.text, `🔴 disk-full /\n${firing.prompt}`);
    assert.deepEqual([messages[0]?.meta.message, messages[0]?.meta.url], ["77", url]);
    assert.ok(!JSON.stringify(messages).includes(secret));
  });
});

Deno.test("a webhook gets what its template says, and a secret in a header", () =>
  serving(() => new Response(null, { status: 204 }), async (url, asked, workflow) => {
    const template = { summary: "{{title}}: {{text}}", source: "{{payload.alert}}", at: "{{payload.since}}", "x": 1 };
    const config = { url: `${url}/hook`, body: JSON.stringify(template), secret_env: "NOTIFY_TEST_SECRET" };
    assert.equal((await workflow.run({ config, ...firing })).error, null);
    assert.deepEqual(asked[0]?.body, {
      summary: `disk-full /: ${firing.prompt}`,
      source: "disk-full",
      at: payload.since,
      x: 1,
    });
    assert.equal(asked[0]?.authorization, `Bearer ${secret}`);
  }));

Deno.test("syslog gets a line of RFC 5424 by TCP", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  await using workflow = new TestWorkflow("notify", { run: ["logger"], net: [`127.0.0.1:${port}`] });
  const received = (async () => {
    using connection = await listener.accept();
    return await new Response(connection.readable).text();
  })();
  const config = { channel: "syslog", to: `tcp:127.0.0.1:${port}` };
  const { error } = await workflow.run({ config, ...firing, prompt: "two\nlines" });
  assert.equal(error, null);
  // user.crit, with the length of the frame in front.
  assert.match(await received, /^\d+ <10>1 \S+ \S+ nerve - - .*disk-full \/: two lines$/);
});

long.test("what is missing or wrong in the settings is said", async () => {
  await using workflow = new TestWorkflow("notify", { env: ["NOTIFY_TEST_SECRET"] });
  const cases = [
    [{ channel: "ntfi", url: "http://x" }, /config\.channel must be one of file, webhook, ntfy/],
    [{ channel: "slack" }, /config\.url or config\.url_env must name the address of slack/],
    [{ channel: "ntfy" }, /config\.to must name the topic/],
    [{ channel: "telegram", to: "1" }, /config\.secret_env must name the variable of the bot's token/],
    [
      { channel: "telegram", to: "1", secret_env: "NOTIFY_TEST_SECRET" },
      /NOTIFY_TEST_SECRET, which config\.secret_env names, is not set/,
    ],
    [{ channel: "slack", url: "http://x", body: "{}" }, /config\.body is for a webhook/],
    [{ url: "http://x", body: "{" }, /config\.body must be JSON/],
    [{ channel: "syslog", to: "logs:514" }, /config\.to of syslog must be such as/],
    [{ channel: "slack", url: "no address" }, /the address is not valid/],
  ] as const;
  for (const [config, message] of cases) assert.match((await workflow.run({ config })).error?.message ?? "", message);
});
