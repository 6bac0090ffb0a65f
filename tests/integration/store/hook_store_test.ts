/** Deliveries and their keys in a real log. */
import assert from "node:assert/strict";
import { hookKeysKeepMs, hookKeysStep } from "../../../src/base/hook_limits.ts";
import { hookKeysMigration } from "../../../src/store/log/hooks_schema.ts";
import { logMigrations } from "../../../src/store/log/schema.ts";
import { migrate, openDatabase } from "../../../src/store/sqlite/database.ts";
import { openStore, type Store } from "../../../src/store/store.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const row = { source: "hook:git", type: "hook.delivery", refId: "git", causeId: null, payload: {} } as const;

async function withStore(
  run: (store: Store, clock: FakeClock, reopen: () => Promise<Store>) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "nerve-hooks-" }), clock = new FakeClock();
  let store = openStore(`${folder}/logs.db`, clock);
  await run(store, clock, async () => {
    await store.close();
    return store = openStore(`${folder}/logs.db`, clock);
  });
  await store.close();
  await Deno.remove(folder, { recursive: true });
}

Deno.test("a delivery is known by each of its keys, also after a restart", () =>
  withStore(async (store, _clock, reopen) => {
    const { id } = store.hooks.append(row, ["a", "b"]);
    store.hooks.append({ ...row, source: "hook:other" }, []);
    const last = store.hooks.append(row, ["c"]);
    await store.log.durable();
    const again = await reopen();
    await again.hooks.learn();
    assert.deepEqual([again.hooks.find(["a"]), again.hooks.find(["x", "b"]), again.hooks.find(["c"])], [
      id,
      id,
      last.id,
    ]);
    assert.deepEqual([again.hooks.find(["x"]), again.hooks.find([])], [null, null]);
    assert.deepEqual(again.hooks.listIds("hook:git", 0, 10), [id, last.id]);
    assert.deepEqual(again.hooks.listIds("hook:git", id, 10), [last.id]);
    assert.deepEqual(again.hooks.listIds("hook:git", 0, 1), [id]);
  }));

Deno.test("keys that are too old go, a step at a time, and younger ones stay", () =>
  withStore(async (store, clock) => {
    await store.hooks.learn();
    const names = Array.from({ length: hookKeysStep + 10 }, (_, n) => `old-${n}`);
    for (const name of names) store.hooks.append(row, [name]);
    await clock.tick(hookKeysKeepMs - 1);
    store.hooks.append(row, ["young"]);
    assert.equal(store.hooks.trim(), false);
    await clock.tick(2);
    const left = () => names.filter((name) => store.hooks.find([name]) !== null).length;
    assert.equal(left(), names.length);
    assert.equal(store.hooks.trim(), true);
    await store.recorded();
    assert.equal(left(), 10);
    assert.equal(store.hooks.trim(), false);
    await store.recorded();
    assert.equal(left(), 0);
    assert.notEqual(store.hooks.find(["young"]), null);
  }));

Deno.test("after a restart keys are learned in steps, and what is taken in meanwhile is known, too", () =>
  withStore(async (store, _clock, reopen) => {
    const names = Array.from({ length: 2 * hookKeysStep + 10 }, (_, n) => `old-${n}`);
    const ids = names.map((name) => store.hooks.append(row, [name]).id);
    await store.log.durable();
    const again = await reopen(), learned = again.hooks.learn();
    const { id } = again.hooks.append(row, ["new"]);
    await again.log.durable();
    let turns = 0, isLearned = false;
    const counting = (async () => {
      for (; !isLearned; turns++) await new Promise((resolve) => setImmediate(resolve));
    })();
    await learned;
    isLearned = true;
    await counting;
    assert.ok(turns > 1, "the event loop was free in between");
    assert.deepEqual(names.map((name) => again.hooks.find([name])), ids);
    assert.deepEqual([again.hooks.find(["new"]), again.hooks.find(["other"])], [id, null]);
    assert.equal(again.hooks.learn(), learned, "once");
  }));

Deno.test("a log whose keys were in order of their text has them in the order in which they came, and knows them", async () => {
  const folder = await Deno.makeTempDir({ prefix: "nerve-hooks-" }),
    path = `${folder}/logs.db`,
    clock = new FakeClock();
  const old = openDatabase(path), before = logMigrations.indexOf(hookKeysMigration);
  migrate(old, logMigrations.slice(0, before), path);
  const insert = old.prepare("insert into hook_keys values (?, ?, ?)");
  for (const [key, logId, ts] of [["d", 7, 1], ["a", 9, 2], ["c", 9, 2], ["b", 3, 3]] as const) {
    insert.run(key, logId, ts);
  }
  old.close();
  const store = openStore(path, clock);
  await store.hooks.learn();
  assert.deepEqual(["a", "b", "c", "d", "e"].map((key) => store.hooks.find([key])), [9, 3, 9, 7, null]);
  await store.close();
  const db = openDatabase(path), rows = db.prepare("select id, key, ts from hook_keys order by id").all();
  assert.deepEqual(rows.map((row) => Object.values(row)), [[12, "b", 3], [28, "d", 1], [36, "a", 2], [37, "c", 2]]);
  db.close();
  await Deno.remove(folder, { recursive: true });
});
