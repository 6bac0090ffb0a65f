/** Keys over a table in memory and a log that may lose its rows. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { hookKeysStep } from "../../../src/base/hook_limits.ts";
import { HookStore } from "../../../src/store/hooks/hook_store.ts";
import { type Operation, runStep } from "../../../src/store/commit/operations.ts";
import { hookKeysMigration, hooksMigration } from "../../../src/store/log/hooks_schema.ts";
import { StatementCache } from "../../../src/store/sqlite/database.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const row = { source: "hook:git", type: "hook.delivery", refId: "git", causeId: null, payload: {} } as const;

function makeStore(keysMax: number) {
  const db = new DatabaseSync(":memory:"), statements = new StatementCache(db), clock = new FakeClock();
  db.exec(hooksMigration + hookKeysMigration);
  let lastId = 0, loses = false;
  const write = (operation: Operation) => {
    if (!loses) { for (const step of operation) runStep(statements, step); }
  };
  const log: ConstructorParameters<typeof HookStore>[2] = {
    appendAll(rows, complete) {
      const made = rows.map((make) => ({ id: ++lastId, ts: clock.now(), ...make(lastId) }));
      write(complete());
      return made;
    },
  };
  const hooks = new HookStore(statements, { write }, log, clock, keysMax);
  const lose = (keys: readonly string[]) => {
    loses = true;
    hooks.append(row, keys);
    hooks.onLost(keys);
    loses = false;
  };
  const known = () => Number(db.prepare("select count(*) as count from hook_keys").get()?.count);
  return { hooks, lose, known };
}

Deno.test("the oldest keys go when there are too many, a step at a time, and those that were lost do not count", async () => {
  const max = 20, { hooks, lose, known } = makeStore(max);
  await hooks.learn();
  for (let n = 0; n < max; n++) hooks.append(row, [`key ${n}`]);
  for (let n = 0; n < 3 * max; n++) lose([`lost ${n}`]);
  assert.deepEqual([hooks.trim(), known(), hooks.find(["lost 3"])], [false, max, null]);
  hooks.append(row, ["new a", "new b"]);
  assert.deepEqual([hooks.trim(), known()], [false, max]);
  assert.deepEqual(["key 0", "key 1", "new a"].map((key) => hooks.find([key]) !== null), [false, false, true]);
  assert.notEqual(hooks.find(["key 2"]), null);
  for (let n = 0; n < hookKeysStep + 5; n++) hooks.append(row, [`more ${n}`]);
  assert.deepEqual([hooks.trim(), known()], [true, max + 5]);
  assert.deepEqual([hooks.trim(), known(), hooks.trim()], [false, max, false]);
  assert.notEqual(hooks.find([`more ${hookKeysStep - 5}`]), null);
});
