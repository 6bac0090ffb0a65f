/** network-counters against this machine's interfaces, in its sandbox. */
import assert from "node:assert/strict";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { parseCounters } from "../../../senses/network-counters/interfaces.ts";
import { type Outcome, QuietSense, valueOf } from "../../support/library.ts";
import { long } from "../../support/long_form.ts";
import { computeInNetwork, hasNetworks } from "../../support/network_sense.ts";
import { rowsOf } from "../../support/sense_outcome.ts";

const all = { interfaces: ["*"], ignore: [] as string[], always: true };

function receivedNow(name: string): number {
  return parseCounters(Deno.readTextFileSync("/proc/net/dev")).find((each) => each.name === name)?.receivedBytes ?? NaN;
}

/** Sends so many bytes through the loopback interface. */
async function send(bytes: number): Promise<void> {
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    await request.arrayBuffer();
    return new Response(null);
  });
  const response = await fetch(`http://127.0.0.1:${server.addr.port}/`, {
    method: "POST",
    body: new Uint8Array(bytes),
  });
  await response.body?.cancel();
}

/** As if the last compute had been a second earlier: long enough ago for the next one to use its counters. */
function longAgo(sense: QuietSense, set = ""): void {
  using db = openDatabase(sense.database);
  db.exec(`update counters set ts = ts - 1000, uptime_ms = uptime_ms - 1000${set}`);
}

Deno.test("network-counters reports what went through an interface, as the machine's own counters have it", async () => {
  await using sense = new QuietSense("network-counters");
  valueOf(await sense.compute(all));
  longAgo(sense);
  const before = receivedNow("lo");
  await send(8 * 1024 * 1024);
  const told = valueOf(await sense.compute(all)), after = receivedNow("lo");
  const lo = told.interfaces.find(({ name }: { name: string }) => name === "lo");
  assert.equal(lo.up, true);
  const received = lo.perSecond.receivedBytes * told.windowMs / 1_000;
  assert.ok(received >= 8 * 1024 * 1024, `${received} bytes in ${told.windowMs} ms`);
  // What came before the test's own first look counts as well.
  assert.ok(after >= before + 8 * 1024 * 1024);
  assert.deepEqual(
    told.interfaces.map(({ name }: { name: string }) => name),
    parseCounters(Deno.readTextFileSync("/proc/net/dev")).map(({ name }) => name).slice(0, 50),
  );
  const rows = rowsOf(sense.database, "select name from readings where name = 'lo'");
  assert.equal(rows.length, 2);
});

long.test("network-counters speaks of an interface that is not there, and once when nothing is wrong any more", async () => {
  await using sense = new QuietSense("network-counters");
  const wanting = { required: ["nowhere0"], max_errors: 1 };
  const gone = valueOf(await sense.compute({ ...wanting, workflow: "notify" }));
  assert.deepEqual(gone.problems, ["nowhere0: there is no such interface"]);
  assert.deepEqual(gone.workflow, {
    ...{ name: "notify", prompt: "the network: nowhere0: there is no such interface", maxRounds: 20 },
  });
  assert.equal(valueOf(await sense.compute({ ...wanting, workflow: "notify" })).workflow, undefined);
  assert.equal(valueOf(await sense.compute({ max_errors: 1 })).ok, true);
  assert.deepEqual(await sense.compute({ max_errors: 1 }), { kind: "null" });
  longAgo(sense);
  await send(100_000);
  const fast = valueOf(await sense.compute({ interfaces: ["l*"], ignore: [], max_received: "1B", max_errors: 1 }));
  assert.match(fast.problems[0], /^lo: receives .* a second, more than 1 ?B/);
});

long.test({
  name: "network-counters follows interfaces that come, go down and go",
  ignore: !hasNetworks,
  async fn() {
    const config = { required: ["eth7"], interfaces: ["*"], ignore: ["lo"], always: true };
    const [none, down, up, gone] = await computeInNetwork("network-counters", [
      { ip: [], config },
      { ip: ["link add eth7 type veth peer name br-8.1", "link set eth7 up"], config, until: false },
      { ip: ["link set br-8.1 up"], config, until: true },
      { ip: ["link del eth7"], config, until: false },
    ]);
    assert.ok(none !== undefined && down !== undefined && up !== undefined && gone !== undefined);
    assert.deepEqual(valueOf(none).problems, ["eth7: there is no such interface"]);
    assert.deepEqual(valueOf(down).problems, ["eth7: its link is down"]);
    const names = (outcome: Outcome) => valueOf(outcome).interfaces.map(({ name }: { name: string }) => name).sort();
    assert.deepEqual(names(up), ["br-8.1", "eth7"]);
    assert.deepEqual([valueOf(up).problems, valueOf(up).interfaces.every(({ up }: { up: boolean }) => up)], [[], true]);
    assert.deepEqual([valueOf(gone).problems, names(gone)], [["eth7: there is no such interface"], []]);
  },
});

long.test("network-counters takes two fresh samples when the machine was restarted or the clock was set", async () => {
  await using sense = new QuietSense("network-counters");
  for (const change of ["uptime_ms = uptime_ms + 1000000000", "ts = ts - 900000", "ts = ts + 900000"]) {
    valueOf(await sense.compute(all));
    {
      using db = openDatabase(sense.database);
      db.exec(`update counters set ${change}`);
    }
    const from = performance.now(), { windowMs } = valueOf(await sense.compute(all));
    assert.ok(windowMs <= performance.now() - from + 50, `after "${change}" the window is ${windowMs} ms`);
  }
});

long.test("network-counters gives no rates to another interface of the same name", async () => {
  await using sense = new QuietSense("network-counters");
  valueOf(await sense.compute(all));
  longAgo(sense, ", interface_index = 999999");
  const { interfaces } = valueOf(await sense.compute(all));
  assert.deepEqual(new Set(interfaces.map(({ perSecond }: { perSecond: unknown }) => perSecond)), new Set([null]));
});

long.test("network-counters deletes rows older than keep", async () => {
  await using sense = new QuietSense("network-counters");
  valueOf(await sense.compute(all));
  {
    using db = openDatabase(sense.database);
    db.exec("update readings set ts = ts - 2 * 86400000; update checks set ts = ts - 2 * 86400000");
  }
  valueOf(await sense.compute({ ...all, keep: "1d" }));
  assert.equal(rowsOf(sense.database, "select 1 from checks").length, 1);
  assert.equal(rowsOf(sense.database, "select 1 from readings where name = 'lo'").length, 1);
});

long.test("network-counters fails with NotCapable without its grants", async () => {
  for (
    const [grants, access] of [[{ sys: ["osUptime"] }, "sys access"], [
      { sys: ["networkInterfaces", "osUptime"] },
      "read access",
    ]] as const
  ) {
    await using sense = new QuietSense("network-counters", grants);
    const outcome = await sense.compute();
    assert.equal(outcome.kind === "error" && outcome.name, "NotCapable", JSON.stringify(outcome));
    assert.ok(outcome.kind === "error" && outcome.message.includes(access), JSON.stringify(outcome));
  }
});
