/** The errors when the server of an engine is away, or is not what nerve.yaml describes. */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import { NerveError } from "../../../src/base/errors.ts";
import type { EngineDefinition } from "../../../src/protocol/engine.ts";
import { RestateClient } from "../../../src/restate/client.ts";
import { OwnPorts } from "../../support/own_ports.ts";

const ports = new OwnPorts("127.77.11.1");

/** Answers each path as given, all others with 404. */
function serve(
  answers: Readonly<Record<string, [number, unknown]>>,
): Deno.HttpServer<Deno.NetAddr> & { readonly url: string } {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const [status, body] = answers[`${request.method} ${new URL(request.url).pathname}`] ??
      [404, { message: "not found" }];
    return Response.json(body, { status });
  });
  return Object.assign(server, { url: `http://127.0.0.1:${server.addr.port}` });
}

function clientOf(ingress: string, admin: string): RestateClient {
  const engine: EngineDefinition = {
    ...{
      name: "cluster",
      kind: "restate",
      ingress: [ingress],
      admin: [admin],
      hostname: "127.0.0.1",
      port: 1,
      endpoint: "http://127.0.0.1:1",
    },
    ...{ identity: [], secrets: [], service: "nerve" },
  };
  return new RestateClient(engine, systemClock);
}

async function faultOf(act: Promise<unknown>): Promise<[string, string, string]> {
  try {
    await act;
  } catch (thrown) {
    if (thrown instanceof NerveError) return [thrown.code, thrown.message, thrown.hint ?? ""];
    throw thrown;
  }
  return assert.fail("it was accepted");
}

const version = (text: string): [number, unknown] => [200, { version: text, min_admin_api_version: 2 }];

Deno.test("a server that is away: runs wait, and that is said", async () => {
  const listener = ports.listen(), url = `http://127.77.11.1:${listener.addr.port}`;
  await ports.close(listener);
  const [code, message, hint] = await faultOf(clientOf(url, url).submit("nerve-1", "r", {}));
  assert.deepEqual([code, hint], ["ENGINE_AWAY", "start its server; runs wait until then, and nothing is lost"]);
  assert.match(message, /^engine cluster cannot be reached at http:\/\/127\.77\.11\.1:\d+: .*refused/i);
});

Deno.test("an admin address that is none, an ingress that is none, and an old server are told apart", async () => {
  await using other = serve({});
  await using good = serve({ "GET /version": version("1.7.12"), "GET /restate/health": [200, ""] });
  await using old = serve({ "GET /version": version("1.4.0") });
  assert.equal(await clientOf(good.url, good.url).version(), "1.7.12");
  const admin = await faultOf(clientOf(good.url, other.url).version());
  assert.deepEqual([admin[0], admin[2]], [
    "ENGINE_WRONG",
    "correct engines.cluster.admin in nerve.yaml; it is port 9070 by default",
  ]);
  const ingress = await faultOf(clientOf(other.url, good.url).version());
  assert.match(ingress[2], /engines\.cluster\.ingress in nerve\.yaml; it is port 8080/);
  assert.deepEqual((await faultOf(clientOf(good.url, old.url).version())).slice(0, 2), [
    "ENGINE_WRONG",
    "engine cluster is Restate 1.4.0, and too old",
  ]);
});

Deno.test("a run for which no daemon is registered, and one that is refused, say what to do", async () => {
  await using server = serve({ "POST /nerve-2/r/run/send": [400, { message: "bad input" }] });
  const client = clientOf(server.url, server.url);
  assert.deepEqual(await faultOf(client.submit("nerve-1", "r", {})), [
    "ENGINE_WRONG",
    "engine cluster knows no service nerve-1: no daemon is registered",
    "nerve engine register cluster",
  ]);
  assert.match((await faultOf(client.submit("nerve-2", "r", {})))[1], /refused run r: 400 bad input$/);
});

Deno.test("a server with another key than nerve.yaml names: the same is said each time, so that it is reported once", async () => {
  const told = '[META0003] got status code \'401 Unauthorized\'. Response headers: {"date": "Mon"}';
  await using server = serve({ "POST /deployments": [500, { message: told }] });
  assert.deepEqual(await faultOf(clientOf(server.url, server.url).add("http://127.0.0.1:1/part-0/")), [
    "ENGINE_WRONG",
    "engine cluster signs its requests with a key that nerve.yaml does not name",
    "write its key into engines.cluster.identity; the server's log names it, publickeyv1_...",
  ]);
});

Deno.test("a server that cannot call the daemon: the hint names the address and the key", async () => {
  await using server = serve({ "POST /deployments": [500, { message: "connect: refused" }] });
  const [code, message, hint] = await faultOf(clientOf(server.url, server.url).add("http://127.0.0.1:1/part-0/"));
  assert.deepEqual([code, message], ["ENGINE_WRONG", "engine cluster refused POST /deployments: 500 connect: refused"]);
  assert.match(hint, /http:\/\/127\.0\.0\.1:1, and that engines\.cluster\.identity/);
});
