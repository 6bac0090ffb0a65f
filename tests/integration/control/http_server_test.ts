/** Misbehaving clients: half-sent requests, answers that nobody reads, too many connections. And other users. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { setImmediate } from "node:timers";
import {
  answerStallMs,
  controlConnectionsMax,
  controlStopMs,
  eventHeartbeatMs,
  requestBodyMaxBytes,
  requestMaxMs,
} from "../../../src/base/limits.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { createApp } from "../../../src/control/app.ts";
import { serveControl } from "../../../src/control/unix_server.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { FakeView } from "../../support/fake_view.ts";
import { inTempDir } from "../../support/temp_workspace.ts";
import { deadlineMs } from "../../support/workspace_fixture.ts";

interface Served {
  readonly path: string;
  readonly clock: FakeClock;
  readonly view: FakeView;
  stop(): Promise<void>;
}

type Fetch = (request: Request) => Response | Promise<Response>;

/** The API, or `fetch`, on a socket of its own, with a clock that stands still. */
async function served(test: (served: Served) => Promise<void>, fetch?: Fetch): Promise<void> {
  await inTempDir(async (root) => {
    const path = join(root, "nerve.sock"), clock = new FakeClock(), view = new FakeView();
    const report = (thrown: unknown) => assert.fail(String(thrown));
    const app = fetch === undefined ? createApp(view, { version: "0", stop: () => {}, report }) : { fetch };
    const server = await serveControl(app, { path, clock, report });
    const stop = async () => {
      const stopped = server.stop();
      await clock.tick(controlStopMs);
      await stopped;
    };
    await test({ path, clock, view, stop });
    await stop();
    assert.equal(clock.pending, 0, "no deadline is left");
  });
}

async function connected(path: string, text: string): Promise<Deno.UnixConn> {
  const connection = await Deno.connect({ transport: "unix", path });
  await connection.write(new TextEncoder().encode(text));
  return connection;
}

/** All data until the other side closes. */
async function rest(connection: Deno.UnixConn): Promise<string> {
  let text = "";
  try {
    for await (const part of connection.readable.pipeThrough(new TextDecoderStream())) text += part;
  } catch (thrown) {
    // Closed in the middle of a request or an answer.
    if (!(thrown instanceof Deno.errors.ConnectionReset)) throw thrown;
  }
  return text;
}

/** One answer of a connection that stays open. */
async function answered(connection: Deno.UnixConn, text: string): Promise<string> {
  await connection.write(new TextEncoder().encode(text));
  const buffer = new Uint8Array(64 * 1024), read = await connection.read(buffer);
  return new TextDecoder().decode(buffer.subarray(0, read ?? 0));
}

async function until(holds: () => boolean): Promise<void> {
  const give = systemClock.monotonic() + deadlineMs;
  while (!holds()) {
    assert.ok(systemClock.monotonic() < give, `waited ${deadlineMs / 1_000} s for ${holds}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const post = (length: number) =>
  `POST /v1/workflows/cleanup/runs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;

Deno.test("an incomplete request is cut off when its time is up", async () => {
  // The bug would be: each such client holds a file descriptor for ever, and 1,000 of them end the daemon.
  await served(async ({ path, clock }) => {
    const header = await connected(path, "GET /v1/health HT"), body = await connected(path, `${post(100)}{"prompt":`);
    const silent = await connected(path, "");
    await until(() => clock.pending === 3);
    await clock.tick(requestMaxMs - 1);
    assert.equal(clock.pending, 3);
    await clock.tick(1);
    assert.deepEqual(await Promise.all([rest(header), rest(silent)]), ["", ""]);
    assert.doesNotMatch(await rest(body), /200 OK/);
  });
});

Deno.test("a kept-alive connection serves several requests, and is closed when idle", async () => {
  await served(async ({ path, clock }) => {
    const connection = await connected(path, "");
    for (let i = 0; i < 3; i++) {
      assert.match(await answered(connection, "GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n"), /^HTTP\/1\.1 200 OK/);
      await clock.tick(requestMaxMs - 1);
    }
    await until(() => clock.pending === 1);
    await clock.tick(requestMaxMs);
    assert.equal(await rest(connection), "");
  });
});

// Without its length an answer is sent in pieces, each with a write of its own: twice the work of a short answer.
Deno.test("a response in memory has its length in bytes and is sent whole; one to HEAD is empty and has none", async () => {
  const body = JSON.stringify({ text: "gr\u00fcn" }), bytes = new TextEncoder().encode(body).length;
  const answer = () => new Response(body, { headers: { "content-type": "application/json" } });
  await served(async ({ path }) => {
    const [head = "", text] = (await rest(await connected(path, closing("GET")))).split("\r\n\r\n");
    assert.match(head, new RegExp(`content-length: ${bytes}\r\n`, "i"));
    assert.equal(text, body);
  }, answer);
  await served(async ({ path }) => {
    const head = await rest(await connected(path, closing("HEAD")));
    assert.match(head, /^HTTP\/1\.1 200 OK\r\n/);
    assert.doesNotMatch(head, /content-length/i);
    assert.ok(head.endsWith("\r\n\r\n"));
  }, () => new Response(null, { headers: { "content-type": "application/json" } }));
});

function closing(method: string): string {
  return `${method} / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
}

Deno.test("responses that wait and event streams have no deadline, also when nobody reads the request's body", async () => {
  // The bug would be: the request counts as unfinished, because its body was not read, and every wait ends after 10 s.
  await served(async ({ path, clock, view }) => {
    const events = await connected(path, "GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n");
    const outcome = Promise.withResolvers<{ kind: "null" }>();
    const recorded = () => Promise.resolve();
    view.triggerSense = () => ({ computeId: 7, how: "started", until: null, outcome: () => outcome.promise, recorded });
    const waiting = await connected(
      path,
      "POST /v1/senses/cpu-usage/trigger?wait=1 HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
    );
    await until(() => view.rows.subscribers === 1 && clock.pending === 1);
    for (let beat = 0; beat < 4; beat++) await clock.tick(eventHeartbeatMs);
    outcome.resolve({ kind: "null" });
    assert.match(await answered(waiting, ""), /^HTTP\/1\.1 200 OK[^]*"outcome":\{"kind":"null"\}/);
    waiting.close();
    let shown = "";
    while ((shown.match(/: here/g) ?? []).length < 4) shown += await answered(events, "");
    events.close();
    await until(() => view.rows.subscribers === 0);
  });
});

Deno.test("a response that nobody reads is cut off after a while", async () => {
  let made = 0, cancelled = false;
  const endless = () =>
    new Response(
      new ReadableStream({
        pull(controller) {
          made++;
          controller.enqueue(new Uint8Array(64 * 1024));
        },
        cancel: () => void (cancelled = true),
      }),
    );
  await served(async ({ path, clock }) => {
    const connection = await connected(path, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    // Until the socket's own buffers are full: for many turns of the event loop no further piece has been produced.
    let before = 0, unchangedTurns = 0;
    await until(() => {
      unchangedTurns = made === before ? unchangedTurns + 1 : 0;
      before = made;
      return made > 0 && unchangedTurns > 3_000;
    });
    await clock.tick(answerStallMs - 1);
    assert.ok(before < 100, `${before} parts were made for a client that reads none`);
    assert.equal(cancelled, false);
    await clock.tick(1);
    await until(() => cancelled);
    assert.equal(made, before);
    await rest(connection);
  }, endless);
});

Deno.test("malformed, oversized and strange requests are answered and do not harm the server", async () => {
  await served(async ({ path }) => {
    const answers = await Promise.all([
      connected(path, "this is not HTTP\r\n\r\n").then(rest),
      connected(path, `${post(9)}{"a":tru}`).then((connection) => answered(connection, "")),
      connected(path, post(requestBodyMaxBytes + 1)).then((connection) => answered(connection, "x")),
      connected(path, "GET http://%%/ HTTP/1.1\r\nHost: x\r\n\r\n").then((connection) => answered(connection, "")),
      connected(path, "GET //%%/ HTTP/1.1\r\nHost: x\r\n\r\n").then((connection) => answered(connection, "")),
      connected(path, "BREW /v1/health HTTP/1.1\r\nHost: x\r\n\r\n").then((connection) => answered(connection, "")),
    ]);
    assert.deepEqual(answers.map((text) => /^HTTP\/1\.1 (\d+)/.exec(text)?.[1]), [
      "400",
      "400",
      "413",
      "400",
      "404",
      "400",
    ]);
    const connection = await connected(path, "");
    assert.match(await answered(connection, "GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n"), /200 OK/);
    connection.close();
  });
});

Deno.test("connections over the limit are closed at once, until others have left", async () => {
  await served(async ({ path }) => {
    const health = "GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n";
    const all: Deno.UnixConn[] = [];
    for (let i = 0; i < controlConnectionsMax; i++) {
      const connection = await connected(path, "");
      assert.match(await answered(connection, health), /200 OK/);
      all.push(connection);
    }
    const refused = await Deno.connect({ transport: "unix", path });
    assert.equal(await rest(refused), "");
    for (const connection of all) connection.close();
    for (let answer = ""; !/200 OK/.test(answer);) {
      const again = await Deno.connect({ transport: "unix", path });
      answer = await answered(again, health).catch(() => "");
      again.close();
    }
  });
});

Deno.test("another user's process cannot connect", async (t) => {
  const asRoot = Deno.uid() === 0 && Deno.build.os === "linux";
  const perl = await new Deno.Command("perl", { args: ["-MSocket", "-e", "1"] }).output().then(
    (o) => o.success,
    () => false,
  );
  await t.step({
    name: asRoot && perl ? "uid 65534 is refused" : "skipped: it takes root, and perl as a small client",
    ignore: !asRoot || !perl,
    fn: () =>
      served(async ({ path }) => {
        // Everybody may enter the folder: only the socket's own mode protects it.
        await Deno.chmod(join(path, ".."), 0o755);
        const script = `use Socket; socket(S, PF_UNIX, SOCK_STREAM, 0); $( = $) = "65534 65534"; $< = $> = $ARGV[0]; ` +
          `print connect(S, sockaddr_un($ARGV[1])) ? "in" : "out: $!"`;
        const asUser = async (uid: number) => {
          const { stdout } = await new Deno.Command("perl", { args: ["-e", script, String(uid), path] }).output();
          return new TextDecoder().decode(stdout);
        };
        assert.equal(await asUser(0), "in");
        assert.equal(await asUser(65534), "out: Permission denied");
      }),
  });
});

Deno.test("of a request that is answered nothing is kept", async () => {
  // Clients that were refused went on sending, and a mebibyte of each stayed for as long as its connection.
  const requests: Request[] = [];
  const refuse = (request: Request) => (requests.push(request), new Response(null, { status: 401 }));
  await served(async ({ path }) => {
    const connection = await connected(path, "POST /v1/x HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nabc");
    assert.match(await answered(connection, "def"), /^HTTP\/1.1 401 /);
    await connection.write(new Uint8Array(94));
    await assert.rejects(requests[0]?.text() ?? Promise.resolve(), /has been answered/);
    connection.close();
  }, refuse);
});
