/** The control API over a real Unix socket, with its real client. */
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { join } from "node:path";
import { setImmediate } from "node:timers";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../../src/base/clock.ts";
import { NerveError } from "../../../src/base/errors.ts";
import { controlStopMs } from "../../../src/base/limits.ts";
import { createApp } from "../../../src/control/app.ts";
import { ControlClient } from "../../../src/control/client/client.ts";
import { serveControl } from "../../../src/control/unix_server.ts";
import { served } from "../../support/control_socket.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { aRun } from "../../support/api_views.ts";
import { FakeView } from "../../support/fake_view.ts";

Deno.test("the socket has mode 0600 when it appears, whatever the umask, and no temporary file stays", async () => {
  // The bug would be: bind with the umask of the process, then chmod. In between, another user could connect. The umask
  // belongs to the whole process, in which other tests run: so this test starts a process of its own.
  const folder = await Deno.makeTempDir({ prefix: "nerve-control-" }), path = join(folder, "nerve.sock");
  const modules = ["control/unix_server.ts", "base/clock.ts"].map((file) =>
    import.meta.resolve(`../../../src/${file}`)
  );
  const code = `const [{ serveControl }, { systemClock }] = await Promise.all(${
    JSON.stringify(modules)
  }.map((m) => import(m)));
    const path = ${JSON.stringify(path)}, events = Deno.watchFs(${JSON.stringify(folder)}, { recursive: false });
    const server = await serveControl({ fetch: () => new Response() }, { path, clock: systemClock, report: () => {} });
    for await (const { paths } of events) if (paths.includes(path)) break;
    const left = [...Deno.readDirSync(${JSON.stringify(folder)})].map(({ name }) => name);
    console.log(((Deno.statSync(path).mode ?? 0) & 0o777).toString(8), left.join());
    await server.stop();`;
  try {
    const script = 'umask 000; exec "$0" eval --no-lock -c "$1" "$2"';
    const config = fileURLToPath(import.meta.resolve("../../../deno.json"));
    const { stdout, stderr } = await new Deno.Command("sh", { args: ["-c", script, Deno.execPath(), config, code] })
      .output();
    assert.equal(new TextDecoder().decode(stdout), "600 nerve.sock\n", new TextDecoder().decode(stderr));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a socket that a dead daemon left is replaced, and none is left after a stop", async () => {
  const folder = await Deno.makeTempDir({ prefix: "nerve-control-" }), path = join(folder, "run", "nerve.sock");
  await Deno.mkdir(join(folder, "run"));
  // A listener that is closed without unlinking leaves the same socket file as kill -9.
  const stale = createServer().listen(`${path}.live`);
  await new Promise((resolve) => stale.once("listening", resolve));
  await Deno.rename(`${path}.live`, path);
  await new Promise((resolve) => stale.close(resolve));
  assert.ok(Deno.lstatSync(path).isSocket);
  const server = await serveControl(createApp(new FakeView(), { version: "0", stop: () => {}, report: () => {} }), {
    path,
    clock: systemClock,
    report: () => {},
  });
  using client = new ControlClient(path);
  assert.equal((await client.health()).pid, 42);
  await server.stop();
  assert.throws(() => Deno.lstatSync(path), Deno.errors.NotFound);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a client that stops waiting for a run is forgotten", async () => {
  await served(async ({ view, path }) => {
    view.runsById.set("long", aRun({ runId: "long", status: "started", endedAt: null, exitCode: null }));
    const leaving = await Deno.connect({ transport: "unix", path });
    await leaving.write(new TextEncoder().encode("GET /v1/runs/long?wait=1 HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    while (view.waiting.length === 0) await new Promise((resolve) => setImmediate(resolve));
    leaving.close();
    const gone = view.waiting[0]?.gone;
    await new Promise<void>((resolve) => {
      if (gone?.aborted !== false) resolve();
      else gone.addEventListener("abort", () => resolve(), { once: true });
    });
    assert.equal(gone?.aborted, true);
  });
});

Deno.test("a stop answers clients that wait for a run with its current state", async () => {
  const folder = await Deno.makeTempDir({ prefix: "nerve-control-" }), path = join(folder, "nerve.sock");
  const view = new FakeView(), clock = new FakeClock();
  view.runsById.set("long", aRun({ runId: "long", status: "started", endedAt: null, exitCode: null }));
  const server = await serveControl(createApp(view, { version: "0", stop: () => {}, report: () => {} }), {
    path,
    clock,
    report: () => {},
  });
  using client = new ControlClient(path);
  const answer = client.run("long", true);
  while (view.waiting.length === 0) await new Promise((resolve) => setImmediate(resolve));
  await server.stop();
  assert.equal((await answer).status, "started");
  assert.equal(clock.pending, 0);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a stop ends although a response never ends", async () => {
  // The bug would be: shutdown() waits for the open answer, and the daemon never ends.
  const folder = await Deno.makeTempDir({ prefix: "nerve-control-" }), path = join(folder, "nerve.sock");
  const clock = new FakeClock(), requested = Promise.withResolvers<void>(), answer = Promise.withResolvers<Response>();
  const fetch = () => {
    requested.resolve();
    return answer.promise;
  };
  const server = await serveControl({ fetch }, { path, clock, report: () => {} });
  using client = new ControlClient(path);
  const health = client.health().catch((thrown: NerveError) => thrown.code);
  await requested.promise;
  let stopped = false;
  const stopping = server.stop().then(() => stopped = true);
  await clock.tick(controlStopMs - 1);
  assert.equal(stopped, false);
  await clock.tick(1);
  await stopping;
  assert.throws(() => Deno.lstatSync(path), Deno.errors.NotFound);
  answer.resolve(new Response(null, { status: 500 }));
  assert.equal(await health, "DAEMON_MISSING");
  await Deno.remove(folder, { recursive: true });
});

// The bug was: 3,000 requests in one write were answered in one go, and nobody else meanwhile.
Deno.test("a client that sends many requests at once gets them answered one by one, and others in between", async () => {
  const folder = await Deno.makeTempDir({ prefix: "nerve-control-" }), path = join(folder, "nerve.sock");
  let asked = 0;
  const order: string[] = [], half = Promise.withResolvers<void>(), count = 200;
  const app = {
    fetch: (request: Request) => {
      const { pathname } = new URL(request.url);
      order.push(pathname);
      if (pathname === "/many" && ++asked === count / 2) half.resolve();
      return new Response("fine");
    },
  };
  const server = await serveControl(app, { path, clock: systemClock, report: () => {} });
  try {
    const connect = () => Deno.connect({ transport: "unix", path });
    using many = await connect(), other = await connect();
    const ask = (connection: Deno.Conn, path: string, times: number) =>
      connection.write(new TextEncoder().encode(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`.repeat(times)));
    await ask(many, "/many", count);
    await half.promise;
    await ask(other, "/other", 1);
    const answer = new Uint8Array(16);
    await other.read(answer);
    assert.match(new TextDecoder().decode(answer), /^HTTP\/1\.1 200/);
    let answers = "";
    const decoder = new TextDecoder(), part = new Uint8Array(65_536);
    while (answers.split("fine").length <= count) {
      answers += decoder.decode(part.subarray(0, await many.read(part) ?? 0));
    }
    assert.equal(order.filter((each) => each === "/many").length, count, "all were answered");
    assert.ok(order.indexOf("/other") < count, "and one of another client between them");
  } finally {
    await server.stop();
    await Deno.remove(folder, { recursive: true });
  }
});
