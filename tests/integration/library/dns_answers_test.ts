/** dns-answers against dnsmasq, and against servers that fail in ways it does not, on loopback addresses. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { hasProgram } from "../../support/debian.ts";
import { QuietSense, valueOf } from "../../support/library.ts";
import { long } from "../../support/long_form.ts";
import { computeMounted } from "../../support/mounted_sense.ts";
import { canMount } from "../../support/mounts.ts";
import { bindUdp, Nameserver, nameserverHost, serveCode } from "../../support/nameserver.ts";

// Ignored only where Debian's dnsmasq-base is neither there nor can be installed.
const ignore = !await hasProgram("dnsmasq", "dnsmasq-base");
const senseOf = ({ address }: Nameserver) => new QuietSense("dns-answers", { net: [address] });

const zone = [
  ...["--host-record=a.test,192.0.2.1,2001:db8::1", "--cname=c1.test,c2.test", "--cname=c2.test,a.test"],
  ...[
    "--mx-host=a.test,Mail.a.test,10",
    "--txt-record=a.test,v=spf1 ,-all",
    "--txt-record=a.test,other",
    "--srv-host=_x._tcp.a.test,b.test,80,1,2",
  ],
  ...["--host-record=many.test,192.0.2.1", "--host-record=many.test,192.0.2.2", "--host-record=many.test,192.0.2.3"],
  ...[
    "--ptr-record=1.2.0.192.in-addr.arpa,a.test",
    "--dns-rr=a.test,2,026e73046130303000",
    "--host-record=xn--bcher-kva.test,192.0.2.9",
  ],
];

long.test({
  name: "dns-answers is silent while answers are as expected, whatever their form and order",
  ignore,
  fn: async () => {
    await using server = await Nameserver.start(...zone);
    await using sense = senseOf(server);
    const records = [
      ...["A.test. a 192.0.2.1", "a.test AAAA 2001:DB8:0::1", "a.test MX 10 mail.A.test.", "a.test TXT v=spf1 -all"],
      ...['a.test TXT "oth" "er"', "c1.test CNAME c2.test", "c1.test A 192.0.2.1", "many.test A 192.0.2.3"],
      ...[
        "many.test A 192.0.2.1",
        "many.test A 192.0.2.2",
        "1.2.0.192.in-addr.arpa PTR a.test",
        "_x._tcp.a.test SRV 1 2 80 b.test",
      ],
      ...["bücher.test A 192.0.2.9"],
    ];
    const config = { records, servers: server.address };
    for (let times = 0; times < 5; times++) assert.deepEqual(await sense.compute(config), { kind: "null" });
    const told = valueOf(await sense.compute({ ...config, always: true }));
    const values = Object.fromEntries(
      told.records.map((each: { record: string; values: string[] }) => [each.record, each.values]),
    );
    assert.deepEqual([values["a.test TXT"], values["many.test A"]], [["other", "v=spf1 -all"], [
      "192.0.2.1",
      "192.0.2.2",
      "192.0.2.3",
    ]]);
    const wrong = valueOf(
      await sense.compute({ ...config, records: ["a.test TXT v=spf1 -all", "many.test A 192.0.2.7"] }),
    );
    assert.deepEqual(wrong.problems, [
      "a.test TXT: has other, which is not expected",
      "many.test A: lacks 192.0.2.7, has 192.0.2.1, 192.0.2.2, 192.0.2.3",
    ]);
    const lenient = { ...config, records: ["a.test TXT v=spf1 -all"], allow_others: true };
    assert.deepEqual(valueOf(await sense.compute(lenient)).problems, [], "the end of what was wrong");
    assert.deepEqual(await sense.compute(lenient), { kind: "null" });
  },
});

Deno.test({
  name: "dns-answers tells a change once, and starts a workflow for it",
  ignore,
  fn: async () => {
    await using server = await Nameserver.start(...zone);
    await using sense = senseOf(server);
    const config = { records: "many.test A", servers: server.address };
    assert.deepEqual(await sense.compute(config), { kind: "null" });
    await server.restart("--host-record=many.test,192.0.2.2");
    const { ok, records } = valueOf(await sense.compute(config));
    assert.deepEqual([ok, records[0].values, records[0].before], [true, ["192.0.2.2"], [
      "192.0.2.1",
      "192.0.2.2",
      "192.0.2.3",
    ]]);
    assert.deepEqual(await sense.compute(config), { kind: "null" });
    await server.restart("--host-record=many.test,192.0.2.4");
    const started = valueOf(await sense.compute({ ...config, workflow: "notify" }));
    assert.deepEqual(started.workflow, {
      name: "notify",
      prompt: "many.test A: 192.0.2.4 instead of 192.0.2.2",
      maxRounds: 20,
    });
  },
});

long.test({
  name: "dns-answers tells a name that does not exist from one without such records",
  ignore,
  fn: async () => {
    await using server = await Nameserver.start(...zone);
    await using sense = senseOf(server);
    const config = { records: ["none.test A", "many.test AAAA", "elsewhere.example A"], servers: server.address };
    for (const workflow of ["notify", undefined]) {
      const told = valueOf(await sense.compute({ ...config, workflow: "notify" }));
      assert.equal(told.workflow?.name, workflow);
      assert.deepEqual(told.problems, [
        "none.test A: the name does not exist",
        "many.test AAAA: there are no such records",
        `elsewhere.example A: ${server.address} refuses to answer (REFUSED)`,
      ]);
      assert.deepEqual(told.records.map(({ values }: { values: unknown }) => values), [[], [], null]);
    }
  },
});

long.test({
  name:
    "dns-answers passes by a nameserver that fails or is silent, keeps the last answer then, and says which one failed",
  ignore,
  fn: async () => {
    await using server = await Nameserver.start(...zone);
    using failing = await serveCode(2, true);
    using mute = await serveCode(3, false);
    const silent = await bindUdp(0);
    try {
      const nobody = `${nameserverHost}:${silent.address().port}`, servers = [failing.address, mute.address, nobody];
      await using sense = new QuietSense("dns-answers", { net: [server.address, ...servers] });
      const config = { records: "a.test A", timeout: "300ms" };
      assert.deepEqual(await sense.compute({ ...config, servers: [failing.address, nobody, server.address] }), {
        kind: "null",
      });
      const { records, problems } = valueOf(await sense.compute({ ...config, servers }));
      assert.deepEqual([records[0].values, records[0].before, records[0].latencyMs], [null, null, null]);
      assert.deepEqual(problems, [
        `a.test A: ${failing.address} fails (SERVFAIL), ${mute.address} tells no records, or fails: it does not answer over TCP, ` +
        `which would say, ${nobody} does not answer`,
      ]);
      const back = valueOf(await sense.compute({ ...config, servers: server.address }));
      assert.deepEqual([back.ok, back.records[0].before], [true, null]);
    } finally {
      silent.close();
    }
  },
});

long.test({
  name: "dns-answers asks the nameservers of the system, with the grant of the file that names them",
  ignore: ignore || !canMount,
  fn: async () => {
    // A silent port: what counts is whom it asks.
    const files = { "/etc/resolv.conf": "# a comment\nsearch example\n nameserver 127.0.0.1\noptions edns0\n" };
    const request = {
      sense: "dns-answers",
      config: { records: "a.test A", timeout: "200ms" },
      files,
      network: {},
      silentPort: 53,
    };
    const grants = { net: ["127.0.0.1:53"], read: ["/etc/resolv.conf"] };
    const { problems } = valueOf(await computeMounted({ ...request, grants }));
    assert.deepEqual(problems, ["a.test A: 127.0.0.1 does not answer"]);
  },
});

long.test("dns-answers rejects what is no record and no address", async () => {
  await using sense = new QuietSense("dns-answers", {});
  for (
    const records of [
      undefined,
      [],
      ["a.test"],
      ["a.test ANY"],
      ["a..test A"],
      ["a.test A 1.2.3"],
      ["a.test MX mail"],
      ["a.test AAAA x"],
    ]
  ) {
    const outcome = await sense.compute({ records, servers: "127.0.0.1" });
    assert.ok(
      outcome.kind === "error" && /config\.records|is no record|has no value/.test(outcome.message),
      JSON.stringify(outcome),
    );
  }
  for (const servers of ["ns.example", "127.0.0.1:0", "http://127.0.0.1"]) {
    const outcome = await sense.compute({ records: "a.test A", servers });
    assert.ok(
      outcome.kind === "error" && /must hold addresses|not an address/.test(outcome.message),
      JSON.stringify(outcome),
    );
  }
});

long.test("dns-answers fails with NotCapable without its grants", async () => {
  for (
    const [grants, servers] of [[{}, ["127.0.0.1"]], [{ net: ["127.0.0.1:54"] }, ["127.0.0.1"]], [{}, []]] as const
  ) {
    await using sense = new QuietSense("dns-answers", grants);
    const outcome = await sense.compute({ records: "a.test A", servers });
    assert.equal(outcome.kind === "error" && outcome.name, "NotCapable", JSON.stringify(outcome));
  }
});

long.test({
  name: "dns-answers deletes rows older than keep",
  ignore,
  fn: async () => {
    await using server = await Nameserver.start(...zone);
    await using sense = senseOf(server);
    const config = { records: "a.test A", servers: server.address };
    await sense.compute(config);
    const db = new DatabaseSync(sense.database);
    db.exec("update answers set ts = ts - 2 * 86400000");
    await sense.compute({ ...config, keep: "1d" });
    assert.equal(db.prepare("select count(*) as n from answers").get()?.n, 1);
    db.close();
  },
});
