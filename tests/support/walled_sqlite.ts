/**
 * SQLite, without the facade that user code gets, behind the Landlock rules of a unit: prints what works and what is
 * refused.
 *
 *     deno run -A tests/support/walled_sqlite.ts WORKSPACE
 */
import { DatabaseSync } from "node:sqlite";
import { restrictSelf } from "../../src/base/landlock.ts";
import { workspacePaths } from "../../src/config/workspace.ts";
import { planUnits } from "../../src/deploy/unit_plans.ts";
import { buildUnitRules } from "../../src/process/landlock_rules.ts";
import { findLandlockPlaces } from "../../src/process/landlock_places.ts";
import { makeOwnFiles } from "../../src/sandbox/own_files.ts";
import { configOf } from "./parsed_config.ts";

const [root = ""] = Deno.args, outside = `${root}/outside`, peer = `${root}/data/senses/b.db`;
const [plan] = planUnits(configOf("senses: { a: {}, b: {} }\n"), workspacePaths(root));
if (plan === undefined) throw new Error("there is no unit");
const owner = new DatabaseSync(peer);
owner.exec("pragma journal_mode = wal; create table t (x); insert into t values (1)");
await makeOwnFiles(plan.spec, []);
const temp = `${root}/data/tmp`;
Deno.mkdirSync(temp);
restrictSelf(
  buildUnitRules(
    plan.spec,
    findLandlockPlaces(plan.spec, { cache: null, temp, lock: null, written: [], pathVariable: "" }),
  ),
);

function tried(act: () => unknown): string {
  try {
    act();
    return "works";
  } catch (thrown) {
    const text = String(thrown);
    if (/unable to open|readonly|disk I\/O|permission denied/i.test(text)) return "refused";
    throw thrown;
  }
}

/** Plants a journal that names a file: SQLite removes that file when it has rolled the journal back. */
function plantSuperJournal(target: string): void {
  const base = `${root}/data/blobs/j.db`, db = new DatabaseSync(base);
  db.exec("pragma journal_mode = delete; create table t (x); insert into t values (1)");
  db.close();
  const size = Deno.statSync(base).size, page = 4096, name = new TextEncoder().encode(target);
  const out = new Uint8Array(512 + 4 + name.length + 16), view = new DataView(out.buffer);
  const magic = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
  out.set(magic, 0);
  view.setUint32(16, size / page);
  view.setUint32(20, 512);
  view.setUint32(24, page);
  view.setUint32(512, 0x40000000 / page + 1);
  out.set(name, 516);
  view.setUint32(516 + name.length, name.length);
  view.setUint32(520 + name.length, name.reduce((sum, byte) => sum + byte, 0));
  out.set(magic, 524 + name.length);
  Deno.writeFileSync(`${base}-journal`, out);
  const again = new DatabaseSync(base);
  tried(() => again.prepare("select count(*) from t").get());
}

const found = {
  own: tried(() => new DatabaseSync(`${root}/data/senses/a.db`).exec("create table t (x); insert into t values (1)")),
  temporary: tried(() => {
    const db = new DatabaseSync(":memory:");
    db.exec(`pragma temp_store = file; pragma temp_store_directory = '${outside}'; pragma cache_size = 1`);
    db.exec("create temp table big (x)");
    for (let n = 0; n < 100; n++) db.exec("insert into big values (randomblob(100000))");
  }),
  outside: tried(() => new DatabaseSync(`${outside}/new.db`).exec("create table t (x)")),
  peer: tried(() => new DatabaseSync(peer).exec("insert into t values (2)")),
  peerRead: tried(() => new DatabaseSync(peer, { readOnly: true }).prepare("select * from t").all()),
  peerCheckpoint: tried(() => new DatabaseSync(peer, { readOnly: true }).exec("pragma wal_checkpoint(truncate)")),
  peerJournal: tried(() => Deno.writeTextFileSync(`${peer}-journal`, "x")),
  journal: (plantSuperJournal(`${outside}/secret.txt`), "tried"),
};
Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify(found)));
