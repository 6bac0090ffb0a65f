/** The client of the control API, over a real Unix socket. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { join } from "node:path";
import { systemClock } from "../../../src/base/clock.ts";
import { NerveError } from "../../../src/base/errors.ts";
import { requestMaxMs } from "../../../src/base/limits.ts";
import { delay } from "../../../src/base/time.ts";
import { ControlClient } from "../../../src/control/client/client.ts";
import { serveControl } from "../../../src/control/unix_server.ts";
import { served } from "../../support/control_socket.ts";
import { aRun, aSense } from "../../support/api_views.ts";
import { long } from "../../support/long_form.ts";

const withCode = (code: string) => (thrown: unknown) => thrown instanceof NerveError && thrown.code === code;

Deno.test("the client reads the kernel's view over the socket", async () => {
  await served(async ({ client, view, reported }) => {
    assert.equal((await client.health()).pid, 42);
    assert.deepEqual(await client.senses(), [aSense()]);
    assert.deepEqual(await client.sense("cpu-usage"), aSense());
    assert.equal((await client.workflows())[0]?.name, "cleanup");
    assert.deepEqual(await client.run("run-1", false), aRun());
    assert.equal((await client.runs({ limit: 5, offset: 0, statuses: ["failed"] })).total, 1);
    assert.equal((await client.messages("run-1", { limit: 3, beforeRound: 2 }))[0]?.role, "scan");
    assert.equal((await client.logs({ source: "kernel", afterId: 4 }))[0]?.id, 12);
    const run = await client.startRun("cleanup", { payload: { a: [1, null] }, runId: "mine" });
    assert.deepEqual([run.runId, run.payload], ["mine", { a: [1, null] }]);
    assert.equal((await client.triggerSense("cpu-usage", true)).outcome?.kind, "null");
    assert.deepEqual(view.requests.slice(0, 3), [
      { limit: 5, offset: 0, statuses: ["failed"] },
      { limit: 3, beforeRound: 2 },
      { source: "kernel", afterId: 4, order: "desc", limit: 100 },
    ]);
    assert.deepEqual(reported, []);
  });
});

Deno.test("a name passed to the client stays one segment of the path, whatever it contains", async () => {
  // The bug was: `nerve sense trigger "../stop?"` stopped the daemon.
  await served(async ({ client }) => {
    const hostile = "../stop?";
    const calls = [
      () => client.triggerSense(hostile, false),
      () => client.resetSense(hostile),
      () => client.sense("../health?"),
      () => client.startRun(hostile, {}),
      () => client.resetWorkflow(hostile),
      () => client.run("../health?", false),
      () => client.messages("../health?", { limit: 1 }),
      () => client.killRun(hostile, {}),
    ];
    for (const call of calls) await assert.rejects(call(), /the path is invalid/);
  });
});

Deno.test("a problem arrives as the NerveError that was thrown", async () => {
  await served(async ({ client }) => {
    await assert.rejects(client.sense("nope"), (thrown: unknown) => {
      assert.ok(thrown instanceof NerveError);
      assert.deepEqual([thrown.code, thrown.message, thrown.hint], [
        "SENSE_UNKNOWN",
        `there is no sense "nope"`,
        "there are: cpu-usage",
      ]);
      return true;
    });
  });
});

Deno.test("without a listener at the socket the error is DAEMON_MISSING, with the command that starts a daemon", async () => {
  const folder = await Deno.makeTempDir({ prefix: "nerve-control-" });
  using client = new ControlClient(join(folder, "nerve.sock"));
  await assert.rejects(client.health(), (thrown: unknown) => withCode("DAEMON_MISSING")(thrown));
  // `nerve start` would say that a daemon runs.
  using early = new ControlClient(join(folder, "nerve.sock"), () => ({ root: null, pid: 7, starts: true }));
  await assert.rejects(early.health(), { code: "DAEMON_MISSING", message: /is starting/, hint: /try again/ });
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a daemon of another version is not reported as missing", async () => {
  const folder = await Deno.makeTempDir({ prefix: "nerve-control-" }), path = join(folder, "nerve.sock");
  const headers = { server: "nerve/999.0.0" };
  const server = await serveControl({ fetch: () => Response.json({ pid: "forty-two" }, { headers }) }, {
    path,
    clock: systemClock,
    report: () => {},
  });
  using client = new ControlClient(path);
  await assert.rejects(client.health(), withCode("DAEMON_ANSWER"));
  await server.stop();
  await Deno.remove(folder, { recursive: true });
});

long.test("a connection that was idle is left before the daemon ends it", async () => {
  // The bug was: a request that left while the daemon ended its connection failed with "Broken pipe".
  const folder = await Deno.makeTempDir({ prefix: "nerve-control-" }), path = join(folder, "nerve.sock");
  let connections = 0;
  const server = createServer({ keepAliveTimeout: 0 }, (_request, answer) => answer.end("{}"));
  server.on("connection", () => connections++);
  await new Promise<void>((resolve) => server.listen({ path }, () => resolve()));
  const client = new ControlClient(path);
  const ask = () => assert.rejects(client.health(), /does not understand/);
  await ask();
  await ask();
  assert.equal(connections, 1);
  // The pool's own clock is the system's.
  await delay(systemClock, requestMaxMs * 0.7);
  await ask();
  assert.equal(connections, 2);
  client[Symbol.dispose]();
  await new Promise((resolve) => server.close(resolve));
  await Deno.remove(folder, { recursive: true });
});
