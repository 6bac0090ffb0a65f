/** What an alert needs: the senses of the library tell what they measured at each compute, also while nothing is wrong. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { hasProgram } from "../../support/debian.ts";
import { type Config, documented, type Grants, TestSense } from "../../support/library.ts";
import { long } from "../../support/long_form.ts";
import { Nameserver } from "../../support/nameserver.ts";
import { ataReport } from "../../support/smart_reports.ts";
import { repository } from "../../support/source_files.ts";

/** With nothing but what a sense must be told. `package-updates` and `systemd-units` need a machine with apt or systemd. */
async function tellsTwice(name: string, config: Config, grants?: Grants): Promise<void> {
  await using sense = new TestSense(name, grants ?? documented("senses", name).permissions);
  for (const time of ["first", "second", "third"]) {
    const outcome = await sense.compute(config);
    assert.equal(outcome.kind, "value", `${name}, the ${time} time: ${JSON.stringify(outcome)}`);
    if (outcome.kind === "value") assert.notEqual(outcome.value.ok, false, `${name}: ${outcome.value.problems}`);
  }
}

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "nerve-each-" }));
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

long.test("what is about the machine is told at each compute", async () => {
  for (const name of ["cpu-usage", "disk-usage", "memory-usage"]) await tellsTwice(name, {});
  await tellsTwice("load", { max_load: 1e6 });
  await tellsTwice("network-counters", { interfaces: ["*"], ignore: [], max_errors: 1 });
  await tellsTwice("process-watch", { name: "deno", min_count: 0 });
  if (await hasProgram("ping", "iputils-ping")) await tellsTwice("ping", { hosts: "127.0.0.1", count: 1 });
});

long.test("what is about files is told at each compute", async () => {
  await inFolder(async (folder) => {
    const init = await new Deno.Command("git", { args: ["init", "--quiet", `${folder}/site`] }).output();
    assert.ok(init.success);
    await tellsTwice("git-status", { path: `${folder}/site` }, { run: ["git"], read: [folder] });
    Deno.mkdirSync(`${folder}/inbox`);
    await tellsTwice("directory-watch", { folder: `${folder}/inbox` }, { read: [folder] });
    Deno.writeTextFileSync(`${folder}/app.log`, "fine\n");
    await tellsTwice("log-pattern", { file: `${folder}/app.log`, patterns: "ERROR" }, { read: [folder] });
    Deno.writeTextFileSync(`${folder}/sda.json`, JSON.stringify(ataReport({})));
    await tellsTwice("smart", { files: `${folder}/sda.json` }, { read: [folder] });
    Deno.mkdirSync(`${folder}/hwmon/hwmon0`, { recursive: true });
    Deno.writeTextFileSync(`${folder}/hwmon/hwmon0/temp1_input`, "40000\n");
    await tellsTwice("temperature", { folder }, { read: [folder] });
    if (!await hasProgram("sqlite3", "sqlite3")) return;
    const file = `${folder}/shop.db`, database = new DatabaseSync(file);
    database.exec("create table orders (state text)");
    database.close();
    const query = "select count(*) from orders";
    await tellsTwice("database-query", { file, query, max: 1 }, { run: ["sqlite3"], read: [folder] });
  });
});

long.test("what is about servers is told at each compute", async () => {
  const feed = "<rss><channel><item><title>Hello</title></item></channel></rss>";
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => new Response(feed));
  const host = `127.0.0.1:${server.addr.port}`, net = { net: [host] };
  await tellsTwice("feed-watch", { urls: `http://${host}/` }, net);
  await tellsTwice("http-check", { url: `http://${host}/` }, net);
  await tellsTwice("port-check", { ports: host }, net);
  await tellsTwice("url-change", { url: `http://${host}/` }, net);
  await inFolder(async (folder) => {
    const socket = `${folder}/docker.sock`;
    await using _ = Deno.serve({ path: socket, onListen: () => {} }, () => Response.json([]));
    const grants = { net: [`unix:${socket}`, "docker:80"], read: [socket], write: [socket] };
    await tellsTwice("containers", { engine: socket }, grants);
  });
  if (!await hasProgram("dnsmasq", "dnsmasq-base")) return;
  await using nameserver = await Nameserver.start("--host-record=a.test,192.0.2.1");
  const { address } = nameserver;
  await tellsTwice("dns-answers", { records: "a.test A", servers: address }, { net: [address] });
});

Deno.test("the name of a figure has its unit, or says what is counted; few are shares", () => {
  const unit = /(?:Bytes|Ms|Seconds|Percent|Celsius|Days(?:Left)?|Left|At)$|^celsius$/;
  const shares = ["used", "swapUsed", "cores", "loss", "some", "full"];
  // Earlier names, which stay beside the new ones.
  const earlier = ["limit", "wear"];
  // Numbers without a unit: averages that have none, codes, and what a query gives.
  const plain = ["load", "perCpu", "status", "exitCode", "value", "count(*)"];
  const counts =
    /^(?:count|cpus|lines|matched|undecodedLines|restarts|rows|files|added|changed|removed|growing|updates)$|(?:Packets)$/;
  const words = [
    ...[
      "ahead",
      "behind",
      "dirty",
      "staged",
      "modified",
      "untracked",
      "conflicted",
      "drops",
      "errors",
      "keptBack",
      "phased",
    ],
    ...["security", "duplicates", "received", "sent", "pending", "reallocated", "uncorrectable"],
  ];
  const known = [...shares, ...earlier, ...plain, ...words];
  for (const { name } of Deno.readDirSync(`${repository}/senses`)) {
    const readme = Deno.readTextFileSync(`${repository}/senses/${name}/README.md`);
    const shown: unknown = JSON.parse(/^```json\n(.*?)^```$/ms.exec(readme)?.[1] ?? "");
    const odd = figuresOf("", shown).filter((key) => !unit.test(key) && !counts.test(key) && !known.includes(key));
    assert.deepEqual(odd, [], `senses/${name}: which unit?`);
  }
});

function figuresOf(key: string, value: unknown): string[] {
  if (typeof value === "number") return [key];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([inner, each]) => figuresOf(Array.isArray(value) ? key : inner, each));
}
