/** Counters of network interfaces in the forms that public reports show: odd names, and numbers that go back. */
import assert from "node:assert/strict";
import {
  areComparable,
  computeRates,
  type Counters,
  parseCounters,
  parseUptime,
} from "../../../senses/network-counters/interfaces.ts";

const head = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
`;

Deno.test("parseCounters() takes names with colons, blanks and a number right behind", () => {
  const rows = [
    "    lo: 9477513   53050    0    0    0     0          0         0  9477513   53050    0    0    0     0       0          0",
    "  eth0:4046496815 27661328    1    2    0     0          0         0 61800195044 32419766    3    4    0     0       0          0",
    "tun10001:1:       7       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0",
    "wlan%d a: 1 2 0 0 0 0 0 0 3 4 0 0 0 0 0 0",
  ];
  const found = parseCounters(`${head}${rows.join("\n")}\n`);
  assert.deepEqual(found.map(({ name, receivedBytes }) => [name, receivedBytes]), [
    ["lo", 9477513],
    ["eth0", 4046496815],
    ["tun10001:1", 7],
    ["wlan%d a", 1],
  ]);
  const { receivedErrors, receivedDrops, sentBytes, sentPackets, sentErrors, sentDrops } = found[1] ?? {};
  assert.deepEqual([receivedErrors, receivedDrops, sentBytes, sentPackets, sentErrors, sentDrops], [
    ...[1, 2, 61800195044, 32419766, 3, 4],
  ]);
  assert.throws(() => parseCounters(" eth0: 1 2 3\n"), /3 numbers/);
});

Deno.test("parseUptime() gives milliseconds", () => {
  assert.equal(parseUptime("57427.31 101.5\n"), 57_427_310);
  assert.throws(() => parseUptime(""), /uptime/);
});

function counters(change: Partial<Counters>): Counters {
  const bytes = { receivedBytes: 5_000, receivedPackets: 500, sentBytes: 700, sentPackets: 70 };
  const bad = { receivedErrors: 1, receivedDrops: 2, sentErrors: 3, sentDrops: 4 };
  return { name: "eth0", index: 2, ...bytes, ...bad, ...change };
}

Deno.test("computeRates() divides by the window", () => {
  const now = counters({ receivedBytes: 25_000, sentPackets: 75, receivedErrors: 2, sentErrors: 4, sentDrops: 5 });
  assert.deepEqual(computeRates(counters({}), now, 10_000), {
    ...{ receivedBytes: 2_000, sentBytes: 0, receivedPackets: 0, sentPackets: 0.5, errors: 0.2, drops: 0.1 },
  });
});

Deno.test("computeRates() follows a counter of 32 bits that goes around", () => {
  const before = counters({ receivedBytes: 2 ** 32 - 1_000 });
  const after = counters({ receivedBytes: 1_000, receivedPackets: 502 });
  assert.equal(computeRates(before, after, 1_000)?.receivedBytes, 2_000);
});

Deno.test("computeRates() says nothing when counters began anew, or of a new interface of the same name", () => {
  const before = counters({ receivedBytes: 2 ** 32 - 1_000 });
  assert.equal(
    computeRates(before, counters({ receivedBytes: 10, receivedPackets: 1 }), 1_000),
    null,
    "several are less",
  );
  assert.equal(computeRates(counters({ receivedBytes: 2 ** 40 }), counters({}), 1_000), null, "none that goes around");
  assert.equal(computeRates(counters({}), counters({ index: 9 }), 1_000), null, "another one");
  assert.equal(computeRates(undefined, counters({}), 1_000), null, "new");
});

Deno.test("areComparable() believes neither a set clock nor another start of the machine", () => {
  const sample = (ts: number, uptimeMs: number) => ({ ts, uptimeMs, interfaces: [] });
  assert.ok(areComparable(sample(0, 1_000), sample(60_000, 61_000)));
  assert.ok(!areComparable(null, sample(0, 0)));
  assert.ok(!areComparable(sample(0, 90_000), sample(60_000, 50_000)), "it was restarted");
  assert.ok(!areComparable(sample(0, 1_000), sample(600_000, 2_000)), "it was restarted, or the clock was set");
  assert.ok(!areComparable(sample(0, 1_000), sample(3_700_000, 3_701_000)), "too long ago");
});
