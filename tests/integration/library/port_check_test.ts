/** port-check against real listening ports, in its sandbox. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { QuietSense, valueOf } from "../../support/library.ts";
import { long } from "../../support/long_form.ts";
import { addressOf, OwnPorts } from "../../support/own_ports.ts";

const hostname = "127.81.7.3";
const own = new OwnPorts(hostname);

Deno.test("port-check is silent while ports are open, signals while one is closed, and once when it is open again", async () => {
  using steady = own.listen();
  let other = own.listen();
  const ports = [addressOf(steady), addressOf(other)];
  await using sense = new QuietSense("port-check", { net: ports });
  assert.deepEqual(await sense.compute({ ports }), { kind: "null" });
  await own.close(other);
  for (let times = 0; times < 2; times++) {
    const down = valueOf(await sense.compute({ ports }));
    assert.equal(down.ok, false);
    assert.deepEqual(down.ports.map(({ open }: { open: boolean }) => open), [true, false]);
    assert.equal(down.problems.length, 1);
    assert.match(down.problems[0], new RegExp(`^${ports[1]}: .*refused`, "i"));
  }
  other = own.listen(Number(ports[1]?.split(":")[1]));
  try {
    const from = performance.now(), up = valueOf(await sense.compute({ ports }));
    assert.deepEqual([up.ok, up.problems], [true, []]);
    assert.ok(up.ports[1].latencyMs >= 0 && up.ports[1].latencyMs <= Math.ceil(performance.now() - from));
    assert.deepEqual(await sense.compute({ ports }), { kind: "null" });
    assert.equal(valueOf(await sense.compute({ ports, always: true })).ok, true);
  } finally {
    other.close();
  }
});

long.test("port-check sends nothing to what listens", async () => {
  using listener = own.listen();
  const received = listener.accept().then(async (connection) => {
    using _ = connection;
    return await connection.read(new Uint8Array(1));
  });
  await using sense = new QuietSense("port-check", { net: [addressOf(listener)] });
  await sense.compute({ ports: addressOf(listener) });
  assert.equal(await received, null, "the connection ends without a byte");
});

long.test("port-check starts a workflow when a port has just closed, and not again while it stays closed", async () => {
  using steady = own.listen();
  const listener = own.listen();
  const ports = [addressOf(steady), addressOf(listener)];
  await using sense = new QuietSense("port-check", { net: ports });
  const config = { ports, workflow: "restart-service" };
  assert.deepEqual(await sense.compute(config), { kind: "null" });
  await own.close(listener);
  const gone = valueOf(await sense.compute(config));
  assert.deepEqual(gone.workflow, {
    name: "restart-service",
    prompt: gone.problems[0],
    maxRounds: 20,
  });
  const still = valueOf(await sense.compute(config));
  assert.deepEqual([still.ok, still.workflow], [false, undefined]);
});

long.test("port-check gives up in time on a host that does not answer", async () => {
  // A full backlog: the kernel drops further connections, and the attempt hangs.
  using listener = Deno.listen({ hostname, port: 0, tcpBacklog: 1 } as Deno.TcpListenOptions);
  const address = addressOf(listener);
  const fillers: Deno.TcpConn[] = [];
  // One hanging attempt may be a pause of the machine; three in a row are the backlog.
  let hung = 0;
  while (hung < 3 && fillers.length < 5_000) {
    const signal = AbortSignal.timeout(300);
    await Deno.connect({ hostname, port: listener.addr.port, signal }).then(
      (connection) => {
        fillers.push(connection);
        hung = 0;
      },
      () => hung++,
    );
  }
  try {
    assert.equal(hung, 3, "the backlog takes everything here");
    await using sense = new QuietSense("port-check", { net: [address] });
    const { problems } = valueOf(await sense.compute({ ports: address, timeout: "300ms" }));
    assert.deepEqual(problems, [`${address}: no answer in time`]);
  } finally {
    for (const connection of fillers) connection.close();
  }
});

long.test("port-check rejects an invalid address", async () => {
  await using sense = new QuietSense("port-check", {});
  for (const ports of [undefined, [], ["127.0.0.1"], ["http://127.0.0.1:80"], ["a b:1"], ["127.0.0.1:65536"], [80]]) {
    const outcome = await sense.compute({ ports });
    assert.ok(outcome.kind === "error" && /config\.|not an address/.test(outcome.message), JSON.stringify(outcome));
  }
});

long.test("port-check fails with NotCapable without its grant, and with the grant of another port or name", async () => {
  using listener = own.listen();
  for (const grants of [{}, { net: ["127.0.0.1:1"] }, { net: [`localhost:${listener.addr.port}`] }]) {
    await using sense = new QuietSense("port-check", grants);
    const outcome = await sense.compute({ ports: addressOf(listener) });
    assert.equal(outcome.kind === "error" && outcome.name, "NotCapable", JSON.stringify(outcome));
  }
});

long.test("port-check deletes rows older than keep", async () => {
  using listener = own.listen();
  await using sense = new QuietSense("port-check", { net: [addressOf(listener)] });
  await sense.compute({ ports: addressOf(listener) });
  const db = new DatabaseSync(sense.database);
  db.exec("update checks set ts = ts - 2 * 86400000");
  await sense.compute({ ports: addressOf(listener), keep: "1d" });
  assert.equal(db.prepare("select count(*) as n from checks").get()?.n, 1);
  db.close();
});
