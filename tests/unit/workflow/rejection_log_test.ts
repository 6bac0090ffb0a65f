/** Rows about messages that a process may not send: bounded, counted, and never in another workflow's history. */
import assert from "node:assert/strict";
import { rejectionsLoggedMax, rejectionWindowMs } from "../../../src/base/limits.ts";
import { Bench } from "../../support/workflow_bench.ts";

Deno.test("a process that sends nonsense without end does not fill the log; omitted rows are counted", async () => {
  const bench = new Bench();
  await bench.start("a");
  await bench.turn();
  const { process } = bench.at("a");
  const nonsense = { t: "message", runId: "x", attempt: 1, round: 1, role: "", content: "", meta: {} } as const;
  for (let n = 0; n < 10_000; n++) bench.manager.onMessage(process, nonsense);
  assert.equal(bench.logged.length, rejectionsLoggedMax);
  await bench.clock.tick(rejectionWindowMs);
  bench.manager.onMessage(process, nonsense);
  assert.equal(bench.logged.length, rejectionsLoggedMax + 1);
  const payload = bench.logged.at(-1)?.payload as { leftOut: number };
  assert.equal(payload.leftOut, 10_000 - rejectionsLoggedMax);
});
