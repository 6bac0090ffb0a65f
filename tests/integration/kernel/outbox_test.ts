/**
 * A compute is one transaction, and what it returned is told once, whoever died in between: observed through the whole
 * kernel with real processes and databases. Danger: a sense that believes it has told what nobody heard.
 */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { createUlids } from "../../../src/base/ulid.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import type { LogRow } from "../../../src/protocol/log.ts";
import { long } from "../../support/long_form.ts";
import { makeWorkspace, type WorkspaceFixture } from "../../support/workspace_fixture.ts";

const newKey = createUlids(() => Date.now());
const table = `sqlite.exec("create table if not exists seen (n integer) strict");`;
const keeping = `export function compute({ sqlite }) {
  ${table}
  sqlite.prepare("insert into seen values (1)").run();
  return { n: sqlite.prepare("select count(*) as n from seen").get().n };
}`;
const echo = `import { defineWorkflow, END } from "nerve";
export default defineWorkflow({
  roles: { say: ({ start }) => ({ content: start.prompt, meta: {} }) },
  moderator: ({ messages }) => messages.length === 0 ? "say" : END,
});`;

const payloadsOf = (rows: readonly LogRow[]) => rows.map(({ payload }) => payload as JsonObject);

function open(workspace: WorkspaceFixture, sense: string): DatabaseSync {
  return new DatabaseSync(`${workspace.paths.senseDatabases}/${sense}.db`);
}

/**
 * Leaves the database as a process that was killed after its commit leaves it: the outbox holds a value, and the -wal
 * file is there. Close what this returns when the next kernel runs.
 */
function dieAfterCommit(workspace: WorkspaceFixture, sense: string, entry: JsonObject): DatabaseSync {
  const db = open(workspace, sense);
  db.exec("pragma journal_mode = wal");
  db.prepare("insert or replace into _outbox values (1, ?)").run(JSON.stringify(entry));
  return db;
}

Deno.test("a value that its process could not tell before it died is told by the next one, once", async () => {
  await using workspace = await makeWorkspace({ senses: { disk: keeping }, workflows: { echo } });
  await workspace.start();
  assert.deepEqual(await workspace.payload("disk"), { n: 1 });
  await workspace.stop();
  const key = newKey(), told = { compute: 7, trigger: "interval", causeId: null };
  const signal = dieAfterCommit(workspace, "disk", { key, ...told, value: { full: true } });
  const from = workspace.events.length;
  await workspace.start();
  assert.deepEqual((await workspace.signal("disk", from)).signal.payload, { full: true });
  signal.close();
  await workspace.stop();

  const runKey = newKey();
  const run = dieAfterCommit(workspace, "disk", { key: runKey, ...told, value: { workflow: "echo|5|hi" } });
  await workspace.start();
  assert.equal((await workspace.run("completed", from)).run.runId, runKey);
  // The same entry again, as after a restart that finds the -wal file still there: it is known.
  await workspace.stop();
  await workspace.start();
  assert.deepEqual(await workspace.payload("disk"), { n: 2 });
  run.close();
  const rows = await workspace.rows({ source: "sense:disk", type: "sense.signal" });
  assert.deepEqual(payloadsOf(rows).map(({ payload, redelivered }) => [payload, redelivered]), [
    [{ n: 1 }, undefined],
    [{ full: true }, true],
    [{ n: 2 }, undefined],
  ]);
  assert.equal((await workspace.rows({ source: "sense:disk", type: "sense.directive" })).length, 1);
  assert.equal(workspace.kernel.api.records.runs({ limit: 10, offset: 0 }).total, 1);
});

long.test("a compute that throws, or returns what is no JSON, has written nothing", async () => {
  const fails = `export function compute({ sqlite, trigger }) {
    ${table}
    sqlite.prepare("insert into seen values (1)").run();
    if (trigger.causeId % 2 === 0) throw new Error("no");
    return 1n;
  }`;
  await using workspace = await makeWorkspace({ senses: { fails } });
  await workspace.start();
  for (let n = 0; n < 4; n++) await workspace.failure("fails");
  await workspace.stop();
  const db = open(workspace, "fails");
  assert.deepEqual(db.prepare("select name from sqlite_schema where name in ('seen', '_outbox')").all(), []);
  db.close();
});

long.test("Drizzle's transactions nest in the compute's; a sense may say that it manages transactions itself", async () => {
  const nested = `export function compute({ db, sqlite }) {
    ${table}
    const insert = () => sqlite.prepare("insert into seen values (1)").run();
    db.transaction(() => insert());
    try { db.transaction(() => { insert(); throw new Error("undo"); }); } catch {}
    try { sqlite.exec("begin"); return "no transaction"; } catch (error) { return [error.message, count(sqlite)]; }
  }
  const count = (sqlite) => sqlite.prepare("select count(*) as n from seen").get().n;`;
  const own = `export const transaction = false;
  export function compute({ sqlite }) {
    ${table}
    sqlite.exec("begin; insert into seen values (1); commit; insert into seen values (2)");
    throw new Error("what was committed stays");
  }`;
  await using workspace = await makeWorkspace({ senses: { nested, own } });
  await workspace.start();
  const [message, rows] = await workspace.payload("nested") as [string, number];
  assert.match(message, /within a transaction/);
  assert.equal(rows, 1);
  await workspace.failure("own");
  await workspace.stop();
  const db = open(workspace, "own");
  assert.equal(db.prepare("select count(*) as n from seen").get()?.n, 2);
  db.close();
});

long.test("a sense cannot send what nobody asked for through its outbox, nor end its process with it", async () => {
  const forged = `export function compute({ sqlite }) {
    sqlite.exec("create table if not exists _outbox (slot integer primary key, entry text)");
    for (const [slot, entry] of [[1, "{"], [2, '{"key":"x"}'], [3, "null"]]) {
      sqlite.prepare("insert or replace into _outbox values (?, ?)").run(slot, entry);
    }
    return null;
  }`;
  await using workspace = await makeWorkspace({ senses: { forged } });
  await workspace.start();
  assert.equal((await workspace.trigger("forged")).kind, "null");
  await workspace.stop();
  await workspace.start();
  assert.equal((await workspace.trigger("forged")).kind, "null");
  assert.equal(workspace.unit("forged").deaths, 0);
});
