/** What was sent to runs, in the database: how much is kept of it. */
import assert from "node:assert/strict";
import { keptEventsMax } from "../../../src/base/wait_limits.ts";
import { newRun, runRow, sleepOf, withStore } from "../../support/store_bench.ts";

Deno.test("a run keeps a bounded number of events, and beside them one that it waits for", () =>
  withStore(async ({ store: { runs } }) => {
    const of = { runId: "a", workflow: "cleanup", attempt: 1, causeId: null };
    await runs.create(newRun("a"), runRow("a"));
    await runs.beginWait(of, { ...sleepOf(1), kind: "event", event: "go" }, "waits");
    const send = (name: string, key: string) =>
      runs.insertEvent(of, { name, key, payload: { n: 1 }, digest: "d", received: 4 });
    const kept = await Promise.all(Array.from({ length: keptEventsMax }, (_, n) => send("other", `k${n}`)));
    assert.ok(kept.every(Boolean));
    assert.equal(await send("other", "over"), false);
    assert.equal(await send("go", "first"), true);
    assert.equal(await send("go", "second"), false);
    assert.deepEqual(runs.readKeptEvent("a", "go"), { key: "first", payload: { n: 1 } });
  }));
