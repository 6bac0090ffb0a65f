/** What nerve doctor finds in a database without reading all of it. */
import assert from "node:assert/strict";
import { checkDatabaseHealth } from "../../../src/store/maintenance/database_health.ts";
import { openDatabase } from "../../../src/store/sqlite/database.ts";
import { damageDatabase } from "../../support/archive_bench.ts";
import { newRow, withStore } from "../../support/store_bench.ts";

Deno.test("a large database is looked into at its ends: one that is truncated or damaged there is found, a sound one passes", () =>
  withStore(async ({ store, path }) => {
    for (let n = 0; n < 3_000; n++) store.log.append(newRow());
    await store.log.durable();
    assert.deepEqual(checkDatabaseHealth(path), { problem: null, whole: true });
    assert.deepEqual(checkDatabaseHealth(path, 0), { problem: null, whole: false });
    const copy = `${path}.copy`;
    const copied = () => {
      using db = openDatabase(path);
      db.exec(`vacuum into '${copy}'`);
    };
    copied();
    Deno.truncateSync(copy, Deno.statSync(copy).size - 4096);
    assert.match(checkDatabaseHealth(copy, 0).problem ?? "", /malformed/);
    Deno.removeSync(copy);
    copied();
    await damageDatabase(copy);
    assert.match(checkDatabaseHealth(copy, 0).problem ?? "", /malformed/);
    assert.match(checkDatabaseHealth(`${path}.none`, 0).problem ?? "", /unable to open/);
  }));
