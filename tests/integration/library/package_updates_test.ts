/** package-updates with the apt of this machine, in its sandbox. */
import assert from "node:assert/strict";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { parseSimulation, type Update } from "../../../senses/package-updates/apt.ts";
import { QuietSense, valueOf } from "../../support/library.ts";
import { isLong, long } from "../../support/long_form.ts";
import { computeMounted } from "../../support/mounted_sense.ts";
import { canMount } from "../../support/mounts.ts";
import { rowsOf } from "../../support/sense_outcome.ts";
import { repository } from "../../support/source_files.ts";

async function ask(...args: string[]): Promise<string> {
  const { success, stdout } = await new Deno.Command("apt-get", { args, env: { LC_ALL: "C" }, stdin: "null" }).output();
  return success ? new TextDecoder().decode(stdout) : "";
}

const hasApt = await ask("--version").then((text) => text !== "", () => false);

/** The updates that apt itself names. */
async function expected(...more: string[]): Promise<readonly Update[]> {
  return parseSimulation(await ask("-s", "-o", "Debug::NoLocking=true", ...more, "dist-upgrade")).updates;
}

/** One that nothing else waits for. */
const [one] = (hasApt && isLong ? await expected() : []).filter(({ name }) =>
  ["tzdata", "base-files", "patch", "jq"].includes(name)
);

long.test({
  name: "package-updates finds the updates that apt finds, and speaks once when nothing is wrong any more",
  ignore: !hasApt,
  async fn() {
    await using sense = new QuietSense("package-updates");
    const loose = { max_security: 1e6, max_index_age: "1000d", reboot: false };
    const before = await expected(), told = valueOf(await sense.compute({ ...loose, always: true }));
    // Another test may have installed something meanwhile.
    const all = before.length === told.updates ? before : await expected();
    assert.deepEqual([told.updates, told.security], [all.length, all.filter(({ security }) => security).length]);
    const indexed = [...Deno.readDirSync("/var/lib/apt/lists")].some(({ name }) => name.includes("Packages"));
    assert.equal(told.ok, indexed, JSON.stringify(told.problems));
    const strict = valueOf(await sense.compute({ ...loose, max_updates: 0, max_index_age: "1ms" }));
    assert.match(strict.problems.at(-1), /the index of apt is .* old|has no index/);
    if (all.length > 0) {
      assert.match(strict.problems.join(), /\d+ updates, more than 0/);
    }
    assert.equal(told.packages.length, Math.min(50, all.length));
    const readme = Deno.readTextFileSync(`${repository}/senses/package-updates/README.md`);
    assert.deepEqual(Object.keys(told), Object.keys(JSON.parse(/^```json\n(.*?)^```$/ms.exec(readme)?.[1] ?? "")));
    if (!indexed) return;
    assert.equal(valueOf(await sense.compute(loose)).ok, true);
    {
      using db = openDatabase(sense.database);
      db.exec("update checks set ts = ts - 2 * 86400000");
    }
    assert.deepEqual(await sense.compute({ ...loose, keep: "1d" }), { kind: "null" });
    assert.equal(rowsOf(sense.database, "select 1 from checks").length, 1);
  },
});

long.test({
  name:
    "package-updates tells a package that is held from the others (needs an update of tzdata, base-files, patch or jq)",
  ignore: one === undefined || !canMount,
  async fn() {
    // The list of packages as if somebody held this one.
    const held = Deno.readTextFileSync("/var/lib/dpkg/status").replace(
      new RegExp(`(^Package: ${one?.name}\\n(?:\\S.*\\n)*?Status: )install ok`, "m"),
      "$1hold ok",
    );
    const files = { "/var/lib/dpkg/status": held };
    const told = valueOf(await computeMounted({ sense: "package-updates", config: { always: true }, files }));
    assert.deepEqual(told.held, [one]);
    assert.ok(!told.packages.some(({ name }: Update) => name === one?.name));
  },
});

long.test("package-updates fails with NotCapable without its grants", async () => {
  for (const grants of [{ run: ["apt-get"] }, { read: ["/var/lib/apt", "/run"] }]) {
    await using sense = new QuietSense("package-updates", grants);
    const outcome = await sense.compute();
    assert.equal(outcome.kind === "error" && outcome.name, "NotCapable", JSON.stringify(outcome));
  }
});
