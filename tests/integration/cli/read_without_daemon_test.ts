/** The commands that read, from a real database and without a daemon. */
import assert from "node:assert/strict";
import { workspacePaths } from "../../../src/config/workspace.ts";
import { runPageSchema, runSchema } from "../../../src/protocol/api.ts";
import type { JsonObject } from "../../../src/protocol/json.ts";
import type { LogType } from "../../../src/protocol/log.ts";
import { logRowSchema } from "../../../src/protocol/log.ts";
import { openDatabase } from "../../../src/store/sqlite/database.ts";

import { past, storeRun } from "../../support/past_workspace.ts";

Deno.test("sense list without a daemon shows reflexes and the last signal", async () => {
  await past((store) => {
    store.log.append({
      source: "sense:cpu-usage",
      type: "sense.signal",
      refId: "cpu-usage",
      causeId: null,
      payload: { compute: 1, trigger: "interval", payload: { used: 0.5 } },
    });
    return Promise.resolve();
  }, async ({ nerve }) => {
    const { code, out } = await nerve("sense", "list");
    assert.equal(code, 0);
    assert.match(out, /cpu-usage +system +signal, 1m ago +every 10s\n/);
    assert.match(out, /quiet +quiet +- +on cpu-usage\n/);
    assert.match(out, /1-2 of 2 senses\nno daemon runs: nerve start\n$/);
    const { daemon, items } = JSON.parse((await nerve("sense", "list", "--json")).out);
    assert.deepEqual([daemon, items[0].lastSignal.payload, items[0].counters], [false, { used: 0.5 }, null]);
  });
});

Deno.test("sense list without a daemon shows what failed", async () => {
  const row = (name: string, type: LogType, payload: JsonObject) =>
    ({ source: `sense:${name}`, type, refId: name, causeId: null, payload }) as const;
  await past((store) => {
    store.log.append(row("cpu-usage", "sense.error", { compute: 1, message: "no df here" }));
    store.log.append(row("quiet", "sense.load_failed", { problems: [{ message: "no compute" }] }));
    store.log.append(row("quiet", "sense.directive", { compute: 2, name: "cleanup" }));
    return Promise.resolve();
  }, async ({ nerve }) => {
    const { out } = await nerve("sense", "list");
    assert.match(out, /🔴 +cpu-usage +system +error, 1m ago/);
    assert.match(out, /^🔴 cpu-usage: no df here$/m);
    assert.match(out, /⚪ +quiet +quiet +run, 1m ago/);
    assert.doesNotMatch(out, /no compute/);
  });
});

Deno.test("status says on one line what could not be loaded", async () => {
  await past((store) => {
    const place = { file: "senses/quiet/index.ts", line: 1, column: 8 };
    const payload = { problems: [{ message: "got 'a'\n  if b", place }] };
    store.log.append({ source: "sense:quiet", type: "sense.load_failed", refId: "quiet", causeId: null, payload });
    return Promise.resolve();
  }, async ({ nerve }) => {
    const { out } = await nerve("status");
    assert.match(out, /sense\.load_failed sense:quiet: got 'a' \| if b \(senses\/quiet\/index\.ts:1:8\)$/m);
  });
});

Deno.test("workflow list shows unfinished runs, with --all every run, in pages", async () => {
  await past(async (store) => {
    for (let n = 1; n <= 4; n++) await storeRun(store, `done-${n}`, 1);
    await storeRun(store, "broken", 2, "failed");
    await storeRun(store, "waiting", 0, "queued");
    await storeRun(store, "busy", 1, "started");
  }, async ({ nerve }) => {
    const unfinished = await nerve("workflow", "list");
    assert.match(unfinished.out, /cleanup +1 of 2 +1 +0 +queue/);
    assert.match(
      unfinished.out,
      /🔄 {2}busy .*\n⏳ {2}waiting .*\n1-2 of 2 unfinished runs\n7 runs in all: nerve workflow list --all\n$/,
    );

    const page = await nerve("workflow", "list", "--all", "--limit", "3");
    assert.match(page.out, /1-3 of 7 runs\nnext: nerve workflow list --offset 3 --all --limit 3\n$/);
    assert.match(page.out, /❌ {2}broken +cleanup +failed +1 +1 +2\/10 .* role prune failed: no\\u001b\[1m df\n/);
    const next = await nerve("workflow", "list", "--offset", "6", "--all", "--limit", "3");
    assert.match(next.out, /✅ {2}done-1 .*\n7-7 of 7 runs\n$/);

    const failed = JSON.parse((await nerve("workflow", "list", "--status", "failed,crashed", "--json")).out);
    assert.deepEqual(runPageSchema.parse(failed.runs).items.map(({ runId }) => runId), ["broken"]);
    assert.match(page.out, /^ +RUN +WORKFLOW +STATUS +EXIT +ATTEMPTS .*\n.*🔄 {2}busy +cleanup +started +- +1 /m);
    assert.match(page.out, /broken +cleanup +failed +1 +1 +2\/10 /);
    const mine = await nerve("workflow", "list", "--workflow", "cleanup");
    assert.match(mine.out, /\n7 runs in all: nerve workflow list --all --workflow cleanup\n$/);
    const other = await nerve("workflow", "list", "--all", "--workflow", "other");
    assert.deepEqual([other.code, other.err], [1, `❌ there is no workflow "other"\n   there are: cleanup\n`]);
  });
});

Deno.test("workflow inspect shows the run and its rows, in pages", async () => {
  await past((store) => storeRun(store, "run-7", 3), async ({ nerve }) => {
    const { code, out } = await nerve("workflow", "inspect", "run-7", "--limit", "2");
    assert.equal(code, 0);
    assert.match(out, /^✅ run-7 of cleanup: completed\n/);
    assert.match(out, /exit code +0\n/);
    assert.match(out, /rounds +3 of at most 10\n/);
    const [, after = ""] = /next: nerve workflow inspect run-7 --after (\d+) --limit 2\n/.exec(out) ?? [];
    const rest = await nerve("workflow", "inspect", "run-7", "--after", after, "--limit", "4");
    assert.doesNotMatch(rest.out, /next:/);
    const json = JSON.parse((await nerve("workflow", "inspect", "run-7", "--json")).out);
    assert.equal(runSchema.parse(json.run).rounds, 3);
    assert.deepEqual(
      json.rows.map((row: unknown) => logRowSchema.parse(row).type),
      ["run.queued", "run.started", "run.message", "run.message", "run.message", "run.completed"],
    );
    const unknown = await nerve("workflow", "inspect", "run-8");
    assert.deepEqual([unknown.code, unknown.err], [1, `❌ there is no run "run-8"\n   nerve workflow list --all\n`]);
  });
});

Deno.test("workflow thread shows the newest rounds that fit, and the command for earlier ones", async () => {
  await past((store) => storeRun(store, "run-7", 120), async ({ nerve }) => {
    const budget = "said 119".length * 2;
    const newest = await nerve("workflow", "thread", "run-7", "--budget", String(budget));
    assert.match(newest.out, /\n119 scan .*\nsaid 119\n\n120 prune .*\nsaid 120\n\nrounds 119-120 of 120\n/);
    assert.match(newest.out, /earlier: nerve workflow thread run-7 --before 119 --budget 16\n$/);
    // More rounds than one query reads.
    const all = JSON.parse((await nerve("workflow", "thread", "run-7", "--json")).out);
    assert.deepEqual(
      all.messages.map(({ round }: { round: number }) => round),
      Array.from({ length: 120 }, (_, at) => at + 1),
    );
    assert.equal(all.earlier, null);
    const early = await nerve("workflow", "thread", "run-7", "--before", "3");
    assert.match(early.out, /\nrounds 1-2 of 120\n$/);
  });
});

Deno.test("events shows the newest rows last, with filters and pages, or as JSON lines", async () => {
  await past(async (store) => {
    for (let n = 1; n <= 5; n++) {
      store.log.append({
        source: "kernel",
        type: "config.loaded",
        refId: null,
        causeId: n === 1 ? null : 1,
        payload: { n },
      });
    }
    await storeRun(store, "run-7", 1);
  }, async ({ nerve }) => {
    const page = await nerve("events", "--source", "kernel", "--limit", "2");
    assert.match(page.out, /^4 .* config\.loaded kernel \(of 1\) \{"n":4\}\n5 .*\{"n":5\}\n2 rows\n/);
    assert.match(page.out, /earlier: nerve events --before 4 --source kernel --limit 2\n$/);
    const earlier = await nerve("events", "--before", "4", "--source", "kernel", "--limit", "5");
    assert.match(earlier.out, /^1 [^]*\n3 rows\n$/);
    const run = await nerve("events", "--ref", "run-7", "--type", "run.message", "--json");
    const rows = run.out.trimEnd().split("\n").map((line) => logRowSchema.parse(JSON.parse(line)));
    assert.deepEqual(rows.map(({ type, refId }) => [type, refId]), [["run.message", "run-7"]]);
    assert.equal((await nerve("events", "--since", "30s", "--json")).out, "");
  });
});

/** A database as a sense leaves it. */
async function storeReadings(root: string, count: number): Promise<void> {
  const path = workspacePaths(root).senseDatabase("cpu-usage");
  await Deno.mkdir(workspacePaths(root).senseDatabases, { recursive: true });
  const db = openDatabase(path);
  db.exec(
    "create table _migrations (name text) strict; create table readings (id integer primary key, text text) strict",
  );
  db.exec("create index by_text on readings (text)");
  const insert = db.prepare("insert into readings (text) values (?)");
  for (let n = 1; n <= count; n++) insert.run(`reading ${n}`);
  db.close();
}

Deno.test("sense query shows the newest rows, or the result of one statement, in three formats", async () => {
  await past(() => Promise.resolve(), async ({ root, nerve }) => {
    await storeReadings(root, 30);
    const newest = await nerve("sense", "query", "cpu-usage");
    assert.match(newest.out, /^id +text\n30 +reading 30\n29 /);
    assert.match(
      newest.out,
      /\n11 +reading 11\nthe newest 20 rows of readings; tables: nerve sense schema cpu-usage\n$/,
    );
    const sql = "select count(*) as n, max(text) as last from readings";
    assert.equal((await nerve("sense", "query", "cpu-usage", sql, "--format", "csv")).out, "n,last\n30,reading 9\n");
    assert.deepEqual(JSON.parse((await nerve("sense", "query", "cpu-usage", sql, "--json")).out), [
      { n: 30, last: "reading 9" },
    ]);
    assert.match((await nerve("sense", "query", "cpu-usage", sql)).out, /30 +reading 9\n1 row\n$/);
  });
});

Deno.test("sense query refuses anything but one reading statement, and names what is missing", async () => {
  await past(() => Promise.resolve(), async ({ root, nerve }) => {
    await storeReadings(root, 1);
    for (const sql of ["delete from readings", "select 1; select 2", "selec 1", "attach 'x' as y"]) {
      const { code, err } = await nerve("sense", "query", "cpu-usage", sql);
      assert.equal(code, 1, sql);
      assert.match(err, /^❌ .*quer.*\n {3}\S/);
    }
    assert.match((await nerve("sense", "query", "cpu-usage", "--format", "csv")).out, /\n1,reading 1\n$/);
    const unknown = await nerve("sense", "schema", "cpu");
    assert.deepEqual([unknown.code, unknown.err], [1, `❌ there is no sense "cpu"\n   there are: cpu-usage, quiet\n`]);
    assert.equal((await nerve("sense", "query", "../../logs")).code, 2);
  });
});

Deno.test("sense schema shows the sense's own tables", async () => {
  await past(() => Promise.resolve(), async ({ root, nerve }) => {
    await storeReadings(root, 2);
    const { code, out } = await nerve("sense", "schema", "cpu-usage");
    assert.equal(code, 0);
    assert.match(out, /CREATE TABLE readings \(id integer primary key, text text\) strict;\n/);
    assert.match(out, /CREATE INDEX by_text on readings \(text\);\n-- 2 rows\n\n1 table\n$/);
    const { tables } = JSON.parse((await nerve("sense", "schema", "cpu-usage", "--json")).out);
    assert.deepEqual(tables.map(({ name, rows }: { name: string; rows: number }) => [name, rows]), [["readings", 2]]);
  });
});
