import assert from "node:assert/strict";
import { StoreReader } from "../../../src/store/log/reader.ts";
import { openStore } from "../../../src/store/store.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { inTempDir } from "../../support/temp_workspace.ts";

Deno.test("states of alerts are written with the rows that tell their changes, replaced, and forgotten", async () => {
  await inTempDir(async (root) => {
    const path = `${root}/logs.db`, clock = new FakeClock(), store = openStore(path, clock);
    const ids: number[] = [];
    const row = (id: number) => {
      ids.push(id);
      return { source: "alert:a", type: "alert.firing", refId: "a", causeId: null, payload: { key: "/" } } as const;
    };
    const [first, second] = store.alerts.save([row, row], () => ({
      states: [{ alert: "a", key: "/", state: { n: 1 } }, { alert: "a", key: "\u{d83d}", state: { text: "\u{d83d}" } }],
      values: [["alerts_heard", "7"]],
    }));
    assert.deepEqual([first?.id, second?.id], ids);
    await store.log.durable();
    const reader = StoreReader.open(path);
    assert.ok(reader !== null);
    assert.deepEqual(reader.logs({ source: "alert:a" }).map(({ id }) => id), ids);
    assert.deepEqual([reader.value("alerts_heard"), reader.value("none")], ["7", null]);
    assert.equal(reader.alertStates().length, 2);
    store.alerts.save([], () => ({
      states: [{ alert: "a", key: "/", state: { n: 2 } }, { alert: "a", key: "\u{fffd}", state: null }],
      values: [],
    }));
    await store.log.durable();
    assert.deepEqual(reader.alertStates(), [{ alert: "a", key: "/", state: { n: 2 } }]);
    assert.deepEqual(store.alerts.load(), reader.alertStates());
    reader.close();
    await store.close();
  });
});
