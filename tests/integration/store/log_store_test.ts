import assert from "node:assert/strict";
import { join } from "node:path";
import { databaseBusyMaxMs } from "../../../src/base/limits.ts";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { openStore } from "../../../src/store/store.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { newRow, withStore } from "../../support/store_bench.ts";
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

Deno.test("ids keep growing after a restart", () =>
  withStore(async (bench) => {
    const before = bench.store.log.append(newRow());
    await bench.reopen();
    assert.equal(bench.store.log.append(newRow()).id, before.id + 1);
  }));

Deno.test("appending never throws when the disk fails: the row is lost and counted, and durable() rejects", () =>
  withStore(async ({ store, path }) => {
    using other = openDatabase(path);
    other.exec("drop table logs; create table logs (no)");
    assert.equal(store.log.append(newRow()).id, 1);
    await assert.rejects(store.log.durable(), { code: "STORE_FAILED" });
    assert.equal(store.counters.lost, 1);
  }));

Deno.test("closing a store waits for another program's lock, and in the end closes without it", () =>
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

Deno.test("a row never changes and stays until it is archived, and the newest row stays even afterwards", () =>
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
