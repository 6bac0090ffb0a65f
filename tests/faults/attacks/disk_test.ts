/**
 * The disk: a group that fills it through its own database is stopped at its quota, and starts again when it is below.
 */
import assert from "node:assert/strict";
import { systemIsolation } from "../../../src/process/isolation.ts";
import { type Attack, longAttackTest } from "../../support/attack_tests.ts";

const fill = `sqlite.exec("create table if not exists t (x)");
  for (;;) {
    sqlite.exec("insert into t values (randomblob(200000))");
    await new Promise((done) => setTimeout(done, 2));
    if (sqlite.prepare("select count(*) as n from t").get().n > 10000) return "filled";
  }`;

const overQuota =
  /^died: .*(over its disk limit of 2\.0 MiB|which its disk limit cannot measure|too many to measure its disk limit)/;
/** Behind Landlock nobody removes a database, not even its own. */
const removalRefused = systemIsolation().landlock === 0 ? overQuota : /^threw PermissionDenied: .*remove/;

/** Writes more than its quota in places that the sizes of its databases do not show. */
const hides = (code: string, outcome = overQuota): Attack => ({
  body: `const own = config.workspace + "/data/senses/" + name + ".db";
      ${code} await new Promise((done) => setTimeout(done, 25_000)); return "hidden"`,
  outcome,
  deadly: true,
  only: "sense",
  group: { disk: "2MiB" },
});

longAttackTest("a group whose databases exceed its quota is stopped, and runs again when they are below it", {
  "fills": {
    body: fill,
    outcome: /^died: .*has \d+\.\d MiB in its databases, over its disk limit of 2\.0 MiB/,
    deadly: true,
    only: "sense",
    group: { disk: "2MiB" },
  },
  "fills-in-one-go": {
    body: `sqlite.exec("create table if not exists t (x); insert into t values (randomblob(20000000))");
      await new Promise((done) => setTimeout(done, 25_000)); return "filled"`,
    outcome: /^died: .*over its disk limit of 2\.0 MiB/,
    deadly: true,
    only: "sense",
    group: { disk: "2MiB" },
  },
  "hides-it-in-a-folder": hides(
    `Deno.removeSync(own); Deno.mkdirSync(own);
      for (let n = 0; n < 10; n++) Deno.writeFileSync(own + "/" + n, new Uint8Array(1e6));`,
    removalRefused,
  ),
  "hides-it-beside-its-database": {
    body: `Deno.mkdirSync(config.workspace + "/data/senses/" + name + ".db-journal")`,
    outcome: /NotCapable: Requires write access/,
    only: "sense",
  },
  "hides-it-without-a-name": hides(
    `const file = Deno.openSync(own, { write: true });
      Deno.removeSync(own); for (let n = 0; n < 10; n++) file.writeSync(new Uint8Array(1e6));`,
    removalRefused,
  ),
  "hides-it-in-a-temporary-table": {
    body: `sqlite.exec("create temp table t (x)");
      for (let n = 0; n < 400; n++) { sqlite.exec("insert into t values (randomblob(1000000))"); await new Promise((done) => setTimeout(done, 1)); }`,
    // It lies in memory, which is measured, too.
    outcome: /^died: .*memory/,
    deadly: true,
    only: "sense",
    group: { disk: "2MiB" },
  },
  "hides-it-among-open-files": hides(`for (let n = 0; n < 5_000; n++) Deno.openSync(own);`),
}, {
  async check(daemon) {
    const unit = async () => (await daemon.health()).units.find(({ name }) => name === "fills");
    assert.equal((await unit())?.state, "quarantined");
    assert.match(
      await daemon.bySense("fills"),
      /^died: quarantined: has .* over its disk limit/,
      "no process is started",
    );
    const [row] = await daemon.logs({ source: "group:fills", type: "group.died" });
    assert.equal(Object(row?.payload).end, "disk_limit");
    for (const end of ["", "-wal", "-shm"]) {
      await Deno.remove(`${daemon.targets.workspace}/data/senses/fills.db${end}`).catch((thrown) => {
        if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
      });
    }
    assert.match(
      await daemon.bySense("fills"),
      /^died: its process has/,
      "it was started again, and filled its disk again",
    );
  },
});
