/** Deliveries and their keys in a real log. */
import assert from "node:assert/strict";
import { hookKeysKeepMs, hookKeysStep } from "../../../src/base/hook_limits.ts";
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
