/**
 * Senses that read each other's databases, under a kernel. A bug here would show as a sense that is ended, quarantined or
 * kept from writing because of what another one does.
 */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import { walKeptMaxBytes } from "../../../src/base/database_limits.ts";
import { delay } from "../../../src/base/time.ts";
import { long } from "../../support/long_form.ts";
import { startWorkspace } from "../../support/workspace_fixture.ts";

/** Writes 512 KiB anew: its -wal file grows by as much, its database does not. */
const owner = `export function compute({ sqlite }) {
  sqlite.exec("create table if not exists t (id integer primary key, x blob) strict");
  sqlite.exec("insert or replace into t values (1, randomblob(524288))");
  return { n: sqlite.prepare("select count(*) as n from t").get().n };
}`;
/** One query that holds its snapshot for \`config\` rows of work. */
const reader = `import { sql } from "drizzle-orm";
const counted = (rows) => sql.raw("with recursive n(i) as (select 1 union all select i + 1 from n limit " + rows +
  ") select count(*) as n from t cross join n");
export const compute = ({ peers, config }) => peers.owner.get(counted(config.rows));`;

const sizeOf = (path: string) => Deno.statSync(path).size;

long.test("what readers do costs a sense neither its disk limit nor its commits, and its -wal file becomes small again", async () => {
  const yaml = {
    senses: { owner: { group: "owner", keep_alive: true }, reader: { config: { rows: -1 }, timeout: "5m" } },
    groups: { owner: { disk: "6MiB" } },
  };
  await using workspace = await startWorkspace({ yaml, senses: { owner, reader } });
  await workspace.payload("owner");
  const wal = `${workspace.paths.senseDatabases}/owner.db-wal`;
  let reads = true, largest = 0, computes = 0;
  const reading = workspace.trigger("reader").finally(() => reads = false);
  while (reads) {
    await workspace.payload("owner");
    computes++;
    largest = Math.max(largest, sizeOf(wal));
    await delay(systemClock, 20); // At full speed a fast disk takes more than `walExcusedMaxBytes` meanwhile.
  }
  const ended = await reading;
  assert.match(
    ended.kind === "group_down" ? ended.message : ended.kind,
    /another sense's database took longer than 10s/,
  );
  assert.ok(largest > 2 * walKeptMaxBytes, `the reader kept ${largest} bytes there, over ${computes} computes`);
  // No further compute: it is emptied all the same.
  while (sizeOf(wal) > walKeptMaxBytes) await delay(systemClock, 20);
  assert.equal(workspace.unit("owner").deaths, 0);
  assert.deepEqual(await workspace.payload("owner"), { n: 1 });
});

long.test("a peer is read while its sense has ended, and opened anew when it was replaced", async () => {
  const yaml = { senses: { owner: {}, reader: { config: { rows: 2 } } } };
  await using workspace = await startWorkspace({ yaml, senses: { owner, reader } });
  assert.match((await workspace.failure("reader")).message, /unable to open database file/);
  await workspace.payload("owner");
  assert.deepEqual(await workspace.payload("reader"), { n: 2 });
  await workspace.stop();
  await workspace.start();
  assert.deepEqual(await workspace.payload("reader"), { n: 2 });
});
