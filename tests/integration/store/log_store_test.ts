import assert from "node:assert/strict";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { databaseBusyMaxMs } from "../../../src/base/limits.ts";
import type { LogFilter } from "../../../src/protocol/log.ts";
import { logQuery } from "../../../src/store/log/log_sql.ts";
import { readMessages, readRun, readRuns } from "../../../src/store/runs/run_sql.ts";
import { SqliteRunStore } from "../../../src/store/runs/run_store.ts";
import { openDatabase, StatementCache } from "../../../src/store/sqlite/database.ts";
import { openStore } from "../../../src/store/store.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { newRow, newRun, runRow, withStore } from "../../support/store_bench.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

Deno.test("a row has its id and time at once, and what is stored is what was returned", () =>
  withStore(async ({ store, clock }) => {
    const first = store.log.append(newRow({ causeId: 7 }));
    await clock.tick(5);
    const second = store.log.append(newRow({ type: "sense.null", refId: null, payload: ["é", null, 1.5] }));
    await store.log.durable();
    assert.deepEqual(store.reader.logs({}), [first, second]);
    assert.deepEqual([second.id - first.id, second.ts - first.ts], [1, 5]);
  }));

Deno.test("ids go on growing after a restart", () =>
  withStore(async (bench) => {
    const before = bench.store.log.append(newRow());
    await bench.reopen();
    assert.equal(bench.store.log.append(newRow()).id, before.id + 1);
  }));

Deno.test("appending never throws when the disk refuses: the row is lost, counted, and durable() says so", () =>
  withStore(async ({ store, path }) => {
    using other = openDatabase(path);
    other.exec("drop table logs; create table logs (no)");
    assert.equal(store.log.append(newRow()).id, 1);
    await assert.rejects(store.log.durable(), { code: "STORE_FAILED" });
    assert.equal(store.counters.lost, 1);
  }));

Deno.test("a store that is closed waits for another program's lock, and is closed without it in the end", () =>
  inTempDir(async (root) => {
    const path = join(root, "logs.db"), clock = new FakeClock();
    for (const released of [true, false]) {
      const store = openStore(path, clock);
      using other = openDatabase(path);
      other.exec("begin immediate");
      store.log.append(newRow());
      const closed = store.close();
      await clock.tick(databaseBusyMaxMs / 2);
      if (released) other.exec("rollback");
      await clock.tick(databaseBusyMaxMs);
      await closed;
      assert.equal(store.counters.lost, released ? 0 : 1);
    }
    using left = openDatabase(path, { readOnly: true });
    assert.equal(left.prepare("select count(*) as n from logs").get()?.n, 1);
  }));

Deno.test("a row never changes and stays until it is archived, and the newest row stays even then", () =>
  withStore(async ({ store, path, clock }) => {
    for (let n = 0; n < 4; n++) {
      store.log.append(newRow());
      await clock.tick(1_000);
    }
    await store.log.durable();
    using db = openDatabase(path);
    const start = store.reader.logs({})[0]?.ts ?? 0;
    assert.throws(() => db.exec("update logs set payload = '{}'"), /never changes/);
    assert.throws(() => db.exec("delete from logs where id = 1"), /until it is archived/);
    store.meta.set("archived_up_to", String(start + 2_000));
    await store.log.durable();
    db.exec("delete from logs where id <= 2");
    assert.throws(() => db.exec("delete from logs where id = 3"), /until it is archived/);
    store.meta.set("archived_up_to", String(start + 99_000));
    await store.log.durable();
    db.exec("delete from logs where id = 3");
    assert.throws(() => db.exec("delete from logs"), /until it is archived/);
    assert.deepEqual(store.reader.logs({}).map(({ id }) => id), [4]);
  }));

Deno.test("meta values are set with the group commit and read back at once and after a restart", () =>
  withStore(async (bench) => {
    assert.equal(bench.store.meta.get("cron:cpu"), null);
    bench.store.meta.set("cron:cpu", "1");
    bench.store.meta.set("cron:cpu", "2");
    assert.equal(bench.store.meta.get("cron:cpu"), "2");
    await bench.reopen();
    assert.equal(bench.store.meta.get("cron:cpu"), "2");
  }));

function plan(db: DatabaseSync, sql: string): string {
  const values = [...sql.matchAll(/\?/g)].map(() => 1);
  return db.prepare(`explain query plan ${sql}`).all(...values).map(({ detail }) => String(detail)).join("; ");
}

Deno.test("queries of the log use an index, or walk the rows in the order of their ids", () =>
  withStore(async ({ path }) => {
    using db = openDatabase(path, { readOnly: true });
    const expected: [LogFilter, RegExp][] = [
      [{}, /^SCAN logs$/],
      [{ order: "desc" }, /^SCAN logs$/],
      [{ beforeId: 9, order: "desc" }, /^SEARCH logs USING INTEGER PRIMARY KEY/],
      [{ afterId: 9 }, /^SEARCH logs USING INTEGER PRIMARY KEY/],
      [{ source: "kernel" }, /^SEARCH logs USING INDEX logs_source \(source=\?\)$/],
      [
        { source: "kernel", order: "desc", beforeId: 9 },
        /^SEARCH logs USING INDEX logs_source \(source=\? AND rowid<\?\)$/,
      ],
      [{ type: "run.log" }, /^SEARCH logs USING INDEX logs_type \(type=\?\)$/],
      [{ refId: "a" }, /^SEARCH logs USING INDEX logs_ref \(ref_id=\?\); USE TEMP B-TREE/],
      [{ refId: "a", type: "run.log" }, /^SEARCH logs USING INDEX logs_ref \(ref_id=\? AND type=\?\)$/],
      [{ sinceMs: 1, untilMs: 2 }, /^SEARCH logs USING INDEX logs_ts/],
    ];
    for (const [filter, pattern] of expected) assert.match(plan(db, logQuery(filter).sql), pattern);
    await Promise.resolve();
  }));

Deno.test("queries of runs and their messages search by an index and sort nothing but the unfinished", () =>
  withStore(async ({ store, path }) => {
    await store.runs.create(newRun("a"), runRow("a"));
    using db = openDatabase(path, { readOnly: true });
    const asked: string[] = [];
    const statements = new StatementCache({ prepare: (sql: string) => (asked.push(sql), db.prepare(sql)) });
    const planOf = (query: () => unknown) => {
      asked.length = 0;
      query();
      return asked.map((sql) => plan(db, sql));
    };
    assert.match(planOf(() => readRun(statements, "a"))[0] ?? "", /^SEARCH .* \(run_id=\?\)$/);
    const messages = /^SEARCH logs USING INDEX logs_ref \(ref_id=\? AND type=\?\)$/;
    assert.match(planOf(() => readMessages(statements, "a"))[0] ?? "", messages);
    assert.match(planOf(() => readMessages(statements, "a", { beforeRound: 3, limit: 2 }))[0] ?? "", messages);
    const page = { limit: 10, offset: 0 };
    assert.equal(planOf(() => readRuns(statements, page))[1], "SCAN workflow_runs");
    const [total, rows] = planOf(() => readRuns(statements, { ...page, workflow: "cleanup" }));
    assert.match(total ?? "", /COVERING INDEX workflow_runs_workflow/);
    assert.match(rows ?? "", /^SEARCH workflow_runs USING INDEX workflow_runs_workflow \(workflow=\?\)$/);
    const runs = Reflect.construct(SqliteRunStore, [statements, null, null]) as SqliteRunStore;
    assert.match(planOf(() => runs.unfinished())[0] ?? "", /^SEARCH workflow_runs USING INDEX workflow_runs_status/);
  }));
