/** ping against this machine, in its sandbox: only loopback addresses are asked. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { hasProgram } from "../../support/debian.ts";
import { QuietSense, valueOf } from "../../support/library.ts";
import { long } from "../../support/long_form.ts";
import { computeMounted } from "../../support/mounted_sense.ts";
import { canMount } from "../../support/mounts.ts";

// Ignored only where Debian's iputils-ping is neither there nor can be installed.
const ignore = !await hasProgram("ping", "iputils-ping");
const noNetwork = ignore || !canMount || !await hasProgram("ip", "iproute2");

long.test({
  name: "ping is silent while hosts answer, tells one whose name leads nowhere, and once that it is gone",
  ignore,
  fn: async () => {
    await using sense = new QuietSense("ping");
    assert.deepEqual(await sense.compute({ hosts: ["127.0.0.1", "127.4.5.6"], count: 1 }), { kind: "null" });
    for (let times = 0; times < 2; times++) {
      const wrong = valueOf(await sense.compute({ hosts: ["127.0.0.1", "no-such.invalid"], count: 1, limit: "3s" }));
      assert.deepEqual([wrong.ok, wrong.hosts[0].problem, wrong.hosts[1].sent, wrong.hosts[1].loss], [
        false,
        null,
        0,
        null,
      ]);
      assert.match(wrong.problems[0], /^no-such\.invalid: nothing /);
    }
    const right = valueOf(await sense.compute({ hosts: ["127.0.0.1"], count: 2 }));
    const [{ latencyMs, ...host }] = right.hosts;
    assert.deepEqual([right.ok, host], [true, {
      ...{ host: "127.0.0.1", address: "127.0.0.1", sent: 2, received: 2, duplicates: 0, loss: 0, problem: null },
    }]);
    assert.ok(latencyMs >= 0);
    assert.deepEqual(await sense.compute({ hosts: ["127.0.0.1"] }), { kind: "null" });
    assert.equal(valueOf(await sense.compute({ hosts: ["127.0.0.1"], count: 1, always: true })).ok, true);
    const slow = valueOf(await sense.compute({ hosts: ["127.0.0.1"], count: 1, max_latency: "0ms" }));
    assert.match(slow.problems[0], /^127\.0\.0\.1: answered after [\d.]+ ms, more than 0 ms$/);
    const foreign = valueOf(await sense.compute({ hosts: ["b\u00fccher.invalid"], count: 1, limit: "3s" }));
    assert.match(foreign.problems[0], /^b\u00fccher\.invalid: nothing /);
  },
});

long.test({
  name: "ping tells a host that does not answer, and starts a workflow",
  ignore: noNetwork,
  fn: async () => {
    const config = { hosts: ["127.0.0.1", "10.9.9.9"], count: 1, timeout: "1s", workflow: "notify" };
    const network = { "/proc/sys/net/ipv4/icmp_echo_ignore_all": "1" };
    const { problems, hosts, workflow } = valueOf(await computeMounted({ sense: "ping", config, network }));
    assert.deepEqual([hosts[0].sent, hosts[0].received, hosts[0].loss, hosts[0].latencyMs], [1, 0, 1, null]);
    assert.deepEqual(problems, [
      "127.0.0.1: no answer",
      "10.9.9.9: nothing could be sent: connect: Network is unreachable",
    ]);
    assert.deepEqual(workflow, { name: "notify", prompt: problems.join(", "), maxRounds: 20 });
  },
});

long.test({
  name: "ping reaches version 6 of the protocol, by a name that has both",
  ignore: noNetwork,
  fn: async () => {
    const config = { hosts: ["both.example"], count: 1, always: true };
    const files = { "/etc/hosts": "127.0.0.1 both.example\n::1 both.example\n" }, network = {};
    for (const [family, address] of [["4", "127.0.0.1"], ["6", "::1"]]) {
      const { hosts } = valueOf(await computeMounted({ sense: "ping", config: { ...config, family }, files, network }));
      assert.deepEqual([hosts[0].address, hosts[0].received], [address, 1]);
    }
  },
});

long.test({
  name: "ping gives up on a nameserver that does not answer, and goes on with the other hosts",
  ignore: noNetwork,
  fn: async () => {
    const files = { "/etc/resolv.conf": "nameserver 127.0.0.1\n", "/etc/hosts": "127.0.0.1 localhost\n" };
    const config = { hosts: ["slow.example", "127.0.0.1"], count: 1, limit: "1s" };
    // Nothing answers, and nothing says so.
    const request = { sense: "ping", config, files, network: {}, silentPort: 53 };
    const { problems } = valueOf(await computeMounted(request));
    assert.deepEqual(problems, ["slow.example: nothing within 1 s: a nameserver may not answer"]);
  },
});

long.test("ping rejects what is no host", async () => {
  await using sense = new QuietSense("ping");
  for (const hosts of [undefined, [], ["-f"], ["a b"], ["http://a/"], ["[::1]"], ["a;b"]]) {
    const outcome = await sense.compute({ hosts });
    assert.ok(outcome.kind === "error" && /config\.hosts|is not a host/.test(outcome.message), JSON.stringify(outcome));
  }
  const family = await sense.compute({ hosts: ["127.0.0.1"], family: "v6" });
  assert.ok(family.kind === "error" && /config\.family/.test(family.message));
});

long.test("ping fails with NotCapable without its grant", async () => {
  for (const grants of [{}, { run: ["true"] }, { net: ["127.0.0.1"] }]) {
    await using sense = new QuietSense("ping", grants);
    const outcome = await sense.compute({ hosts: ["127.0.0.1"], count: 1 });
    assert.equal(outcome.kind === "error" && outcome.name, "NotCapable", JSON.stringify(outcome));
  }
});

long.test({
  name: "ping deletes rows older than keep",
  ignore,
  fn: async () => {
    await using sense = new QuietSense("ping");
    await sense.compute({ hosts: ["127.0.0.1"], count: 1 });
    const db = new DatabaseSync(sense.database);
    db.exec("update pings set ts = ts - 2 * 86400000");
    await sense.compute({ hosts: ["127.0.0.1"], count: 1, keep: "1d" });
    assert.equal(db.prepare("select count(*) as n from pings").get()?.n, 1);
    db.close();
  },
});
