/** Small values by key, beside the log. */
import assert from "node:assert/strict";
import { withStore } from "../../support/store_bench.ts";

Deno.test("meta values are written with the group commit, and read back at once and after a restart", () =>
  withStore(async (bench) => {
    assert.equal(bench.store.meta.get("cron:cpu"), null);
    bench.store.meta.set("cron:cpu", "1");
    bench.store.meta.set("cron:cpu", "2");
    assert.equal(bench.store.meta.get("cron:cpu"), "2");
    await bench.reopen();
    assert.equal(bench.store.meta.get("cron:cpu"), "2");
  }));
