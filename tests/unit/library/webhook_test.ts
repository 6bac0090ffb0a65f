/** Posting to a webhook, with a real server. Danger: attempts against a receiver that has rejected it for good. */
import assert from "node:assert/strict";
import { type Limits, post } from "../../../workflows/notify/webhook.ts";

const limits: Limits = { attempts: 3, timeoutMs: 30_000, firstDelayMs: 1, shown: "URL" };

/** Posts to a server that answers with the statuses in turn; returns the outcome, the requests' keys and the log. */
async function deliver(statuses: number[], how = limits) {
  const keys: (string | null)[] = [], log: string[] = [];
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    keys.push(request.headers.get("idempotency-key"));
    return new Response(null, { status: statuses[keys.length - 1] ?? 500, headers: { location: "/elsewhere" } });
  });
  const url = `http://127.0.0.1:${server.addr.port}/`, { signal } = new AbortController();
  const outcome = await post(
    { url, body: "{}", key: "k" },
    how,
    signal,
    (level, text) => void log.push(`${level} ${text}`),
  )
    .then((done) => `${done.status} at attempt ${done.attempt}`, (thrown: Error) => thrown.message);
  return { outcome, keys, log };
}

Deno.test("post() tries again after an error of the server, with the same key", async () => {
  assert.deepEqual(await deliver([503, 429, 204]), {
    outcome: "204 at attempt 3",
    keys: ["k", "k", "k"],
    log: ["warn attempt 1 failed: status 503", "warn attempt 2 failed: status 429"],
  });
});

Deno.test("post() gives up at once when the receiver rejects the request, and after the last attempt", async () => {
  for (const status of [302, 400, 404]) {
    const { outcome, keys } = await deliver([status]);
    assert.deepEqual([outcome, keys.length], [`URL rejected it: status ${status}`, 1]);
  }
  const { outcome, keys } = await deliver([]);
  assert.deepEqual([outcome, keys.length], ["URL accepted none of 3 attempts: status 500", 3]);
});

Deno.test("post() ends with the reason of its signal", async () => {
  const reason = new Error("the run was killed");
  const delivery = { url: "http://127.0.0.1:1/", body: "{}", key: "k" };
  await assert.rejects(post(delivery, limits, AbortSignal.abort(reason), () => {}), reason);
});

Deno.test("post() waits as long as the receiver asks, in seconds or until a date", async () => {
  for (const after of ["3600", new Date(Date.now() + 3_600_000).toUTCString()]) {
    const answered = new AbortController(), reason = new Error("it waits");
    await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, () => {
      return new Response(null, { status: 429, headers: { "retry-after": after } });
    });
    const delivery = { url: `http://127.0.0.1:${server.addr.port}/`, body: "{}", key: "k" };
    let delayMs = 0;
    const log: Parameters<typeof post>[3] = (_level, _text, data) => {
      ({ delayMs } = data as { readonly delayMs: number });
      answered.abort(reason);
    };
    await assert.rejects(post(delivery, limits, answered.signal, log), reason);
    // The longest wait between two attempts.
    assert.equal(delayMs, 60_000, after);
  }
});

// The status shows that it was accepted. Danger: the answer breaks off, and the notice is sent five times.
Deno.test("post() counts what was accepted, although the answer breaks off", async () => {
  let requests = 0;
  const broken = () => new ReadableStream({ pull: (controller) => controller.error(new Error("gone")) });
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, () => {
    requests++;
    return new Response(broken(), { status: requests === 1 ? 502 : 200 });
  });
  const delivery = { url: `http://127.0.0.1:${server.addr.port}/`, body: "{}", key: "k" };
  const { status, attempt } = await post(delivery, limits, new AbortController().signal, () => {});
  assert.deepEqual([status, attempt, requests], [200, 2, 2]);
});
