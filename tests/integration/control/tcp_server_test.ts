/** The listener's server over real sockets, with clients that do not behave. */
import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { systemClock } from "../../../src/base/clock.ts";
import { listenConnectionsMax, refusedBodyMs } from "../../../src/base/hook_limits.ts";
import { requestMaxMs } from "../../../src/base/limits.ts";
import type { Clock } from "../../../src/base/time.ts";
import type { HookIntakePort } from "../../../src/control/hook_intake.ts";
import { createListenerApp } from "../../../src/control/listener_app.ts";
import { serveTcp } from "../../../src/control/tcp_server.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { FakeView } from "../../support/fake_view.ts";

const encoder = new TextEncoder(), decoder = new TextDecoder();

async function withServer(run: (port: number, bodies: Uint8Array[]) => Promise<void>, clock: Clock = systemClock) {
  const bodies: Uint8Array[] = [], reported: unknown[] = [];
  const report = (thrown: unknown) => reported.push(thrown);
  const hooks: HookIntakePort = {
    bodyLimitOf: () => 1_000,
    onTooLarge: () => {},
    receive: (_name, { body }) => Promise.resolve({ kind: "accepted", id: bodies.push(body) }),
  };
  const { access } = new FakeView(), api = { fetch: () => new Response() };
  const app = createListenerApp({ hooks, access, api }, { hostname: "127.0.0.1", hosts: [], report });
  const server = await serveTcp(app, { hostname: "127.0.0.1", port: 0, clock, report });
  try {
    await run(server.port, bodies);
  } finally {
    await server.stop();
  }
  assert.deepEqual(reported, []);
}

const post = (port: number, body: BodyInit) => fetch(`http://127.0.0.1:${port}/hooks/git`, { method: "POST", body });

async function connect(port: number, text: string): Promise<Deno.TcpConn> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(encoder.encode(text));
  return connection;
}

/** Everything that comes until the connection ends. */
async function readAll(connection: Deno.TcpConn): Promise<string> {
  const bytes = new Uint8Array(4_096);
  let text = "";
  try {
    for (let read = await connection.read(bytes); read !== null; read = await connection.read(bytes)) {
      text += decoder.decode(bytes.subarray(0, read));
    }
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.ConnectionReset)) throw thrown;
  }
  connection.close();
  return text;
}

const head = (more: string) => `POST /hooks/git HTTP/1.1\r\nhost: localhost\r\n${more}\r\n`;

Deno.test("clients that stall in their header or body keep nobody out, however many they are", async () => {
  // The bug would be: 64 connections that never send a request fill the server, and a real delivery is refused.
  await withServer(async (port, bodies) => {
    const stalled: Deno.TcpConn[] = [];
    for (let n = 0; n < listenConnectionsMax + 64; n++) {
      const texts = ["", "POST /hooks/git HTTP/1.1\r\nho", head("content-length: 100\r\n") + "half"];
      stalled.push(await connect(port, texts[n % texts.length] ?? ""));
      if (n % 64 !== 63) continue;
      const answer = await post(port, `while ${n} stall`);
      assert.deepEqual([answer.status, (await answer.json()).id], [202, bodies.length]);
    }
    assert.equal(bodies.length, 5);
    for (const each of stalled) each.close();
  });
});

Deno.test("a body that comes too slowly loses its connection, and no other one does", async () => {
  const clock = new FakeClock();
  await withServer(async (port, bodies) => {
    const slow = await connect(port, head("content-length: 100\r\n") + "a");
    assert.equal((await post(port, "fast")).status, 202);
    const ended = readAll(slow);
    while (clock.pending < 2) await new Promise((resolve) => setImmediate(resolve));
    await clock.tick(requestMaxMs);
    assert.equal(await ended, "");
    assert.equal((await post(port, "another")).status, 202);
    assert.equal(bodies.length, 2);
  }, clock);
});

Deno.test("100 MB get an answer, and are not kept", async () => {
  await withServer(async (port, bodies) => {
    const before = Deno.memoryUsage().rss;
    let sent = 0;
    const chunk = new Uint8Array(1024 ** 2);
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (++sent > 100) controller.close();
        else controller.enqueue(chunk);
      },
    });
    const answer = await post(port, endless).then((response) => response.status, () => "disconnected");
    assert.ok(answer === 413 || answer === "disconnected", String(answer));
    const told = await connect(port, head("content-length: 100000000\r\n"));
    const bytes = new Uint8Array(4_096), read = await told.read(bytes) ?? 0;
    assert.match(decoder.decode(bytes.subarray(0, read)), /^HTTP\/1.1 413 /);
    told.close();
    assert.equal((await post(port, "small")).status, 202);
    assert.equal(bodies.length, 1);
    assert.ok(Deno.memoryUsage().rss - before < 64 * 1024 ** 2, "the body was kept");
  });
});

Deno.test("a client that goes on with a refused body is disconnected", async () => {
  const clock = new FakeClock();
  await withServer(async (port) => {
    const stubborn = await connect(port, head("content-length: 100000\r\n"));
    const bytes = new Uint8Array(4_096), read = await stubborn.read(bytes) ?? 0;
    assert.match(decoder.decode(bytes.subarray(0, read)), /^HTTP\/1.1 413 /);
    const ended = readAll(stubborn);
    while (clock.pending < 2) await new Promise((resolve) => setImmediate(resolve));
    await clock.tick(refusedBodyMs);
    assert.equal(await ended, "");
  }, clock);
});

Deno.test("a body that is too large is refused before it is sent, when its client asks first", async () => {
  await withServer(async (port, bodies) => {
    const asks = await connect(port, head("expect: 100-continue\r\ncontent-length: 100000000\r\n"));
    const bytes = new Uint8Array(4_096);
    assert.match(decoder.decode(bytes.subarray(0, await asks.read(bytes) ?? 0)), /^HTTP\/1.1 413 /);
    asks.close();
    const small = await connect(port, head("expect: 100-continue\r\ncontent-length: 4\r\nconnection: close\r\n"));
    assert.match(decoder.decode(bytes.subarray(0, await small.read(bytes) ?? 0)), /^HTTP\/1.1 100 /);
    await small.write(encoder.encode("body"));
    assert.match(await readAll(small), /HTTP\/1.1 202 /);
    assert.equal(decoder.decode(bodies[0]), "body");
  });
});

Deno.test("a request that says twice, or in its target, for whom it is, gets past no name", async () => {
  // The bug would be: a proxy goes by one of two names, nerve by the other.
  await withServer(async (port, bodies) => {
    const ask = async (target: string, hosts: string, length = "content-length: 2\r\n") => {
      const text = `POST ${target} HTTP/1.1\r\n${hosts}connection: close\r\n${length}\r\nhi`;
      return (await readAll(await connect(port, text))).slice(9, 12);
    };
    const own = "host: localhost\r\n", other = "Host: evil.example\r\n";
    assert.equal(await ask("/hooks/git", own + other), "400");
    assert.equal(await ask("/hooks/git", other + own), "400");
    assert.equal(await ask("http://evil.example/hooks/git", own), "421");
    assert.equal(await ask("/hooks/git", own, "content-length: 2\r\ntransfer-encoding: chunked\r\n"), "400");
    assert.equal(await ask("/hooks/git", own, "content-length: 2\r\ncontent-length: 3\r\n"), "400");
    assert.equal(bodies.length, 0);
    assert.equal(await ask("http://localhost/hooks/git", other), "202");
    assert.equal(bodies.length, 1);
  });
});

Deno.test("a stop leaves no connection open", async () => {
  const stalled: Deno.TcpConn[] = [];
  await withServer(async (port) => {
    for (let n = 0; n < 3; n++) stalled.push(await connect(port, head("content-length: 100\r\n") + "half"));
    assert.equal((await post(port, "x")).status, 202);
  });
  for (const each of stalled) assert.equal(await readAll(each), "");
});
