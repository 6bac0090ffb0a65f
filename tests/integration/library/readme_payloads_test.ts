/** The signal that a README shows has the keys of the signal that its sense emits. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { hasProgram } from "../../support/debian.ts";
import { type Config, type Grants, TestSense } from "../../support/library.ts";
import { long } from "../../support/long_form.ts";
import { ataReport } from "../../support/smart_reports.ts";
import { repository } from "../../support/source_files.ts";

long.test("the payload in each README has the keys of the emitted one", async () => {
  const folder = Deno.makeTempDirSync();
  try {
    const init = await new Deno.Command("git", { args: ["init", "--quiet", folder] }).output();
    assert.ok(init.success);
    await assertAsShown("cpu-usage", {});
    await assertAsShown("memory-usage", {});
    await assertAsShown("disk-usage", {});
    await assertAsShown("git-status", { path: folder }, { run: ["git"], read: [folder] });
    // Deno's fetch rejects port 1: a check with a problem.
    await assertAsShown("http-check", { url: "http://127.0.0.1:1/" }, { net: ["127.0.0.1:1"] });
    await assertAsShown("tls-expiry", { servers: "127.0.0.1:1" }, { net: ["127.0.0.1:1"] });
    await assertAsShown("port-check", { ports: "127.0.0.1:1" }, { net: ["127.0.0.1:1"] });
    await assertAsShown("process-watch", { name: "no-such-program" });
    Deno.writeTextFileSync(`${folder}/app.log`, "ERROR\n");
    const log = { file: `${folder}/app.log`, patterns: "ERROR", from_start: true };
    await assertAsShown("log-pattern", log, { read: [log.file] });
    if (await hasProgram("ping", "iputils-ping")) {
      await assertAsShown("ping", { hosts: "no-such.invalid", limit: "1s" });
    }
    const dns = { records: "a.test A", servers: "127.0.0.1:1", timeout: "100ms" };
    await assertAsShown("dns-answers", dns, { net: ["127.0.0.1:1"] });
    // A systemd that is not there cannot be asked: systemd_units_test.ts has the keys of its payload.
    Deno.writeTextFileSync(`${folder}/sda.json`, JSON.stringify(ataReport({ smart_status: { passed: false } })));
    await assertAsShown("smart", { files: `${folder}/sda.json` }, { read: [folder] });
    await assertContainersAsShown(folder);
    await assertTemperatureAsShown(folder);
    await assertFeedAsShown();
    await assertAsShown("load", { always: true });
    await assertAsShown("network-counters", { interfaces: ["*"], ignore: [], always: true });
    await assertAsShown("directory-watch", { folder, always: true }, { read: [folder] });
    await assertAsShown("url-change", { url: "http://127.0.0.1:1/" }, { net: ["127.0.0.1:1"] });
    if (await hasProgram("sqlite3", "sqlite3")) await assertQueryAsShown(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

async function assertAsShown(name: string, config: Config, grants?: Grants): Promise<void> {
  const readme = Deno.readTextFileSync(`${repository}/senses/${name}/README.md`);
  const shown = JSON.parse(/^```json\n(.*?)^```$/ms.exec(readme)?.[1] ?? "");
  await using sense = new TestSense(name, grants);
  const outcome = await sense.compute(config);
  assert.ok(outcome.kind === "value", JSON.stringify(outcome));
  assert.deepEqual(shapeOf(shown), shapeOf(outcome.value), name);
}

async function assertContainersAsShown(folder: string): Promise<void> {
  const socket = `${folder}/docker.sock`;
  await using _ = Deno.serve({ path: socket, onListen: () => {} }, () => Response.json([]));
  const grants = { net: [`unix:${socket}`, "docker:80"], read: [socket], write: [socket] };
  await assertAsShown("containers", { engine: socket, containers: "none" }, grants);
}

async function assertTemperatureAsShown(folder: string): Promise<void> {
  Deno.mkdirSync(`${folder}/hwmon/hwmon0`, { recursive: true });
  Deno.writeTextFileSync(`${folder}/hwmon/hwmon0/temp1_input`, "90000\n");
  await assertAsShown("temperature", { folder, max: 80 }, { read: [folder] });
}

async function assertQueryAsShown(folder: string): Promise<void> {
  const file = `${folder}/shop.db`, db = new DatabaseSync(file);
  db.exec("create table orders (state text)");
  db.close();
  const config = { file, query: "select count(*) from orders", always: true };
  await assertAsShown("database-query", config, { run: ["sqlite3"], read: [folder] });
}

async function assertFeedAsShown(): Promise<void> {
  const feed = "<rss><channel><item><title>Hello</title></item></channel></rss>";
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => new Response(feed));
  const host = `127.0.0.1:${server.addr.port}`;
  await assertAsShown("feed-watch", { urls: `http://${host}/`, announce_first: true }, { net: [host] });
}

/** Keys in their order, also of the objects in lists. */
function shapeOf(payload: Record<string, unknown>): unknown[] {
  return Object.entries(payload).map(([key, value]) => {
    const inner: unknown = Array.isArray(value) ? value[0] : undefined;
    return typeof inner === "object" && inner !== null ? [key, Object.keys(inner)] : key;
  });
}
