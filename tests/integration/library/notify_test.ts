/** The workflow notify with real files and a real webhook, in its sandbox. */
import assert from "node:assert/strict";
import { TestWorkflow } from "../../support/library.ts";
import { long } from "../../support/long_form.ts";

async function withFile(test: (path: string, workflow: TestWorkflow) => Promise<void>): Promise<void> {
  const folder = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "nerve-notify-" }));
  const file = `${folder}/notes.txt`;
  try {
    await using workflow = new TestWorkflow("notify", { read: [file], write: [file] });
    await test(file, workflow);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("notify appends one line per run, with time, key, text and payload", async () => {
  await withFile(async (file, workflow) => {
    await workflow.run({ config: { file }, runId: "r1", prompt: "first" });
    const { messages, error } = await workflow.run({
      config: { file },
      runId: "r2",
      prompt: "two\nlines [r9:1]",
      payload: { used: 0.9, text: "a\nb" },
    });
    assert.equal(error, null);
    assert.deepEqual(messages.map(({ role, meta }) => [role, meta]), [["send", { file, repeated: false }]]);
    const lines = Deno.readTextFileSync(file).split("\n");
    assert.equal(lines.length, 3);
    assert.match(lines[0] ?? "", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \[r1:1\] first$/);
    assert.ok(lines[1]?.endsWith(' [r2:1] two\\nlines [r9:1] {"used":0.9,"text":"a\\nb"}'), lines[1]);
    assert.equal(lines[2], "");
    const other = await workflow.run({ config: { file }, runId: "r9", prompt: "a key inside a text is no repeat" });
    assert.equal(other.messages[0]?.meta.repeated, false);
  });
});

// A terminal that shows the file obeys ESC, and the sign that begins sequences in one character.
Deno.test("notify writes no sequences for terminals into the file, from a text or a payload", async () => {
  await withFile(async (file, workflow) => {
    await workflow.run({
      config: { file },
      runId: "r1",
      prompt: "a\x1b]0;b\x07 \ud800",
      payload: { name: "c\x9b2Jd\x7f" },
    });
    const [line = ""] = Deno.readTextFileSync(file).split("\n");
    assert.ok(line.endsWith(' [r1:1] a\ufffd]0;b\ufffd \ufffd {"name":"c\ufffd2Jd\ufffd"}'), JSON.stringify(line));
  });
});

long.test("notify does not repeat its line when the role runs again after a crash", async () => {
  await withFile(async (file, workflow) => {
    const run = { config: { file }, runId: "r1", prompt: "once" };
    await workflow.run(run);
    const before = Deno.readTextFileSync(file);
    const again = await workflow.run(run);
    assert.equal(again.messages[0]?.meta.repeated, true);
    assert.equal(Deno.readTextFileSync(file), before);
  });
});

long.test("notify writes its line again when a crash has cut it off", async () => {
  await withFile(async (file, workflow) => {
    Deno.writeTextFileSync(file, "2026-01-01T00:00:00.000Z [r0:1] whole\n2026-01-01T00:00:00.000Z [r1:1] cut of");
    const { messages } = await workflow.run({ config: { file }, runId: "r1", prompt: "cut off" });
    assert.equal(messages[0]?.meta.repeated, false);
    const lines = Deno.readTextFileSync(file).split("\n");
    assert.equal(lines.length, 4);
    assert.ok(lines[1]?.endsWith("cut of"));
    assert.ok(lines[2]?.endsWith("[r1:1] cut off"));
  });
});

long.test("notify looks for its key in the last mebibyte of a large file, and cuts a long line", async () => {
  await withFile(async (file, workflow) => {
    Deno.writeTextFileSync(file, `${"x".repeat(99)}\n`.repeat(30_000));
    const run = { config: { file }, runId: "r1", prompt: "\u00fc".repeat(50_000) };
    assert.equal((await workflow.run(run)).messages[0]?.meta.repeated, false);
    Deno.writeTextFileSync(file, `${"y".repeat(99)}\n`.repeat(5_000), { append: true });
    assert.equal((await workflow.run(run)).messages[0]?.meta.repeated, true);
    const line = Deno.readTextFileSync(file).split("\n").find((each) => each.includes("[r1:1]"));
    assert.equal(line?.length, 16_384 + 3);
  });
});

interface Received {
  readonly key: string | null;
  // deno-lint-ignore no-explicit-any -- whatever was posted
  readonly body: any;
}

/** Answers with the statuses in turn, and with the last one from then on; 0 gives no answer until the test ends. */
async function withWebhook(
  statuses: readonly number[],
  test: (
    url: string,
    received: readonly Received[],
    workflow: TestWorkflow,
    first: Promise<void>,
  ) => Promise<void>,
): Promise<void> {
  const received: Received[] = [];
  const stop = new AbortController();
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const first = Promise.withResolvers<void>();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, signal: stop.signal, onListen: () => {} },
    async (request) => {
      received.push({ key: request.headers.get("idempotency-key"), body: await request.json() });
      first.resolve();
      const status = statuses[Math.min(received.length, statuses.length) - 1] ?? 500;
      if (status === 0) await ended;
      return new Response(null, { status: status || 500, headers: { location: "http://127.0.0.2:1/" } });
    },
  );
  try {
    await using workflow = new TestWorkflow("notify", { net: [`127.0.0.1:${server.addr.port}`] });
    await test(`http://127.0.0.1:${server.addr.port}/hook`, received, workflow, first.promise);
  } finally {
    end();
    stop.abort();
    await server.finished;
  }
}

Deno.test("notify posts until the webhook accepts it, with the same key each time", async () => {
  await withWebhook([500, 429, 200], async (url, received, workflow) => {
    const config = { url, retry_delay: "5ms" };
    const { messages, error, logs } = await workflow.run({
      config,
      runId: "r1",
      prompt: "hello",
      payload: { used: 1 },
    });
    assert.equal(error, null);
    assert.deepEqual(messages[0]?.meta, { url, status: 200, attempt: 3 });
    assert.deepEqual(received.map(({ key }) => key), ["r1:1", "r1:1", "r1:1"]);
    const { body } = received[2] ?? {};
    assert.deepEqual([body.key, body.text, body.payload], ["r1:1", "hello", { used: 1 }]);
    assert.deepEqual(logs, ["warn attempt 1 failed: status 500", "warn attempt 2 failed: status 429"]);
  });
});

long.test("notify gives up after its attempts, and at once when the receiver rejects it for good", async () => {
  await withWebhook([503], async (url, received, workflow) => {
    const { error } = await workflow.run({ config: { url, attempts: 3, retry_delay: "5ms" } });
    assert.match(error?.message ?? "", /accepted none of 3 attempts: status 503/);
    assert.equal(received.length, 3);
  });
  for (const status of [400, 404, 302]) {
    await withWebhook([status], async (url, received, workflow) => {
      const { error } = await workflow.run({ config: { url, retry_delay: "5ms" } });
      assert.match(error?.message ?? "", new RegExp(`rejected it: status ${status}`));
      assert.equal(received.length, 1);
    });
  }
});

long.test("notify tries again when an attempt takes too long, and stops when the run is aborted", async () => {
  await withWebhook([0, 200], async (url, received, workflow) => {
    const { messages } = await workflow.run({ config: { url, timeout: "150ms", retry_delay: "5ms" } });
    // Not exactly 2: on a machine that stalls for a moment the answer to the second may come too late as well.
    assert.ok(messages[0]?.meta.attempt >= 2, JSON.stringify(messages));
    assert.ok(received.length >= 2, `${received.length} requests`);
  });
  await withWebhook([500], async (url, received, workflow, first) => {
    const { error } = await workflow.run({ config: { url, retry_delay: "1h" }, abortOn: first });
    assert.equal(error?.name, "AbortError");
    assert.equal(received.length, 1);
  });
});

long.test("notify requires exactly one of file and url", async () => {
  await using workflow = new TestWorkflow("notify", {});
  for (const config of [{}, { file: "/f", url: "http://127.0.0.1/" }]) {
    const { error } = await workflow.run({ config });
    assert.match(error?.message ?? "", /either file or url/);
  }
});

long.test("notify works with its grants and fails with NotCapable without, at the first attempt", async () => {
  await withFile(async (file) => {
    for (const grants of [{}, { read: [file] }, { write: [file] }]) {
      await using workflow = new TestWorkflow("notify", grants);
      const { error } = await workflow.run({ config: { file } });
      assert.equal(error?.name, "NotCapable", JSON.stringify(grants));
    }
  });
  await withWebhook([200], async (url, received) => {
    await using workflow = new TestWorkflow("notify", {});
    const { error } = await workflow.run({ config: { url, retry_delay: "1h" } });
    assert.equal(error?.name, "NotCapable");
    assert.equal(received.length, 0);
  });
});

long.test("notify sends the password of its address to the webhook only, and tells nobody", async () => {
  const seen: (string | null)[] = [];
  let status = 200;
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    seen.push(request.headers.get("authorization"));
    return new Response(null, { status });
  });
  const host = `127.0.0.1:${server.addr.port}`;
  await using workflow = new TestWorkflow("notify", { net: [host] });
  const config = { url: `http://ada:secret@${host}/hook` };
  const told = await workflow.run({ config, runId: "r1" });
  assert.equal(told.messages[0]?.meta.url, `http://${host}/hook`);
  status = 404;
  const refused = await workflow.run({ config, runId: "r2" });
  assert.match(refused.error?.message ?? "", /rejected it: status 404/);
  assert.deepEqual(seen, Array(2).fill(`Basic ${btoa("ada:secret")}`));
  assert.doesNotMatch(JSON.stringify([told, refused]), /secret/);
});
