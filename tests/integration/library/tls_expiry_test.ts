/** tls-expiry against local servers whose certificates expire soon, late or long ago, in its sandbox. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { lasting } from "../../support/certificate.ts";
import { QuietSense, valueOf } from "../../support/library.ts";
import { long } from "../../support/long_form.ts";

interface TlsServer extends AsyncDisposable {
  readonly address: string;
}

/** A server whose certificate is valid for `days` more. */
async function serve(days: number, port = 0): Promise<TlsServer> {
  const stop = new AbortController();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port, signal: stop.signal, onListen: () => {}, ...await lasting(days) },
    () => new Response(),
  );
  return {
    address: `127.0.0.1:${server.addr.port}`,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await server.finished;
    },
  };
}

Deno.test("tls-expiry reports certificates that expire soon or have expired, and no others", async () => {
  await using late = await serve(90);
  await using soon = await serve(9);
  await using ended = await serve(-3);
  const servers = [late.address, soon.address, ended.address];
  await using sense = new QuietSense("tls-expiry", { net: servers });
  const found = valueOf(await sense.compute({ servers }));
  assert.equal(found.ok, false);
  assert.deepEqual(found.problems, [
    `${soon.address}: its certificate expires in 9 days`,
    `${ended.address}: its certificate has expired`,
  ]);
  assert.deepEqual(found.servers.map(({ daysLeft }: { daysLeft: number }) => daysLeft), [90, 9, -3]);
  const end = Date.parse(found.servers[0].endsAt);
  assert.ok(Math.abs(end - Date.now() - 90 * 86_400_000) < 2 * 3_600_000, found.servers[0].endsAt);
  const db = new DatabaseSync(sense.database, { readOnly: true });
  const rows = db.prepare("select server, days_left from checks order by id").all().map((row) => ({ ...row }));
  db.close();
  assert.deepEqual(rows, servers.map((server, index) => ({ server, days_left: [90, 9, -3][index] })));
});

long.test("tls-expiry is silent while all is well, and signals once when a certificate was renewed", async () => {
  let server = await serve(9);
  const { address } = server;
  await using sense = new QuietSense("tls-expiry", { net: [address] });
  const config = { servers: address };
  try {
    assert.equal(valueOf(await sense.compute(config)).ok, false);
    await server[Symbol.asyncDispose]();
    server = await serve(90, Number(address.split(":")[1]));
    assert.equal(valueOf(await sense.compute(config)).ok, true);
    assert.deepEqual(await sense.compute(config), { kind: "null" });
    assert.equal(valueOf(await sense.compute({ ...config, always: true })).ok, true);
    assert.equal(valueOf(await sense.compute({ ...config, min_days: 100 })).ok, false);
  } finally {
    await server[Symbol.asyncDispose]();
  }
});

long.test("tls-expiry reports a server that is down, silent or without TLS, and still checks the others", async () => {
  await using well = await serve(90);
  const silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const plain = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => new Response("hello"));
  const closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  closed.close();
  const servers = [silent.addr.port, plain.addr.port, closed.addr.port].map((port) => `127.0.0.1:${port}`);
  try {
    await using sense = new QuietSense("tls-expiry", { net: [...servers, well.address] });
    const look = async (timeout: string) =>
      valueOf(await sense.compute({ servers: [...servers, well.address], timeout }));
    // The silent server takes the whole limit, so it is short at first; on a busy machine the others may need more.
    let found = await look("500ms");
    if (found.servers[3].daysLeft !== 90) found = await look("20s");
    assert.equal(found.problems.length, 3);
    assert.match(found.problems[0], /could not be read: it took too long/);
    assert.match(found.problems[1], /could not be read: the server (does not speak TLS|closed the connection)/);
    assert.match(found.problems[2], /could not be read: .*refused/i);
    assert.equal(found.servers[3].daysLeft, 90);
  } finally {
    silent.close();
    await plain.shutdown();
  }
});

long.test("tls-expiry rejects an invalid address, and requires at least one", async () => {
  await using sense = new QuietSense("tls-expiry", {});
  for (const servers of [undefined, [], ["https://example.com/"], ["example.com:0"], ["example.com:99999"], ["::1"]]) {
    const outcome = await sense.compute({ servers });
    assert.ok(outcome.kind === "error" && /config\.|not an address/.test(outcome.message), JSON.stringify(outcome));
  }
});

long.test("tls-expiry fails with NotCapable without its grant, and with the grant of another port", async () => {
  await using server = await serve(90);
  for (const grants of [{}, { net: ["127.0.0.1:1"] }]) {
    await using sense = new QuietSense("tls-expiry", grants);
    const outcome = await sense.compute({ servers: [server.address] });
    assert.equal(outcome.kind === "error" && outcome.name, "NotCapable", JSON.stringify(outcome));
  }
});

long.test("tls-expiry deletes rows older than keep", async () => {
  await using server = await serve(90);
  await using sense = new QuietSense("tls-expiry", { net: [server.address] });
  await sense.compute({ servers: [server.address] });
  const db = new DatabaseSync(sense.database);
  db.exec("update checks set ts = ts - 2 * 86400000");
  await sense.compute({ servers: [server.address], keep: "1d" });
  assert.equal(db.prepare("select count(*) as n from checks").get()?.n, 1);
  db.close();
});
