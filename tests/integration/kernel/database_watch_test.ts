/**
 * The files of a sense's database are removed under its process: observed through the whole kernel, on a clock that the
 * test moves. Danger: rows that go into files without a name, and a peer that reads what nobody writes any more.
 */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { databaseCheckMs } from "../../../src/base/limits.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { long } from "../../support/long_form.ts";
import { makeWorkspace } from "../../support/workspace_fixture.ts";

const counting = `export function compute({ sqlite }) {
  sqlite.exec("create table if not exists seen (n integer) strict; insert into seen values (1)");
  return sqlite.prepare("select count(*) as n from seen").get().n;
}`;
const reading = `import { sql } from "drizzle-orm";
export const compute = ({ peers }) => peers.count.get(sql\`select count(*) as n from seen\`).n;`;

long.test("a -wal file that is removed loses nothing, and a database that is replaced is opened anew, also by peers", async () => {
  const clock = new FakeClock();
  await using workspace = await makeWorkspace({
    clock,
    yaml: { senses: { count: {}, read: { peers: ["count"] } } },
    senses: { count: counting, read: reading },
  });
  await workspace.start();
  const file = `${workspace.paths.senseDatabases}/count.db`;
  const computes = async () => [await workspace.payload("count"), await workspace.payload("read")];
  for (let n = 1; n <= 3; n++) assert.deepEqual(await computes(), [n, n]);
  for (const suffix of ["-wal", "-shm"]) Deno.removeSync(file + suffix);
  await clock.tick(databaseCheckMs);
  assert.deepEqual(await computes(), [4, 4]);
  for (const suffix of ["", "-wal", "-shm"]) Deno.removeSync(file + suffix);
  await clock.tick(databaseCheckMs);
  assert.deepEqual(await computes(), [1, 1]);
  await clock.tick(databaseCheckMs);
  assert.deepEqual(await computes(), [2, 2]);
  const told = (await workspace.rows({ source: "sense:count", type: "sense.database_reopened" })).map(({ payload }) =>
    (payload as { message: string }).message
  );
  assert.equal(told.length, 2);
  assert.match(told[0] ?? "", /-wal file was removed or replaced .*; nothing was lost/);
  assert.match(told[1] ?? "", /its database was removed or replaced/);
  assert.equal(workspace.unit("count").deaths, 0);
});

long.test("a sense computes although another program has read its database before it was opened, and still has it open", async () => {
  // The bug was: the files beside the database were the reader's, and the sense could not load while anybody read it.
  await using workspace = await makeWorkspace({
    yaml: { senses: { count: { group: "g" }, other: { group: "g" } } },
    senses: { count: counting, other: "export const compute = () => 1;" },
  });
  await workspace.start();
  assert.equal(await workspace.payload("other"), 1);
  const file = `${workspace.paths.senseDatabases}/count.db`;
  for (const suffix of ["-wal", "-shm"]) Deno.removeSync(file + suffix);
  using reader = new DatabaseSync(file);
  reader.prepare("select count(*) from sqlite_schema").get();
  assert.equal(await workspace.payload("count"), 1);
});
