/** Writing the changes of a run: reasons of bounded length, and a store that another program writes too. */
import assert from "node:assert/strict";
import { Bench } from "../../support/workflow_bench.ts";

Deno.test("a long reason is cut", async () => {
  const bench = new Bench();
  await bench.start("a");
  await bench.turn();
  const { process } = bench.at("a");
  const outcome = { kind: "failed", message: "x".repeat(100_000), place: null } as const;
  bench.manager.onMessage(process, { t: "finished", runId: "a", attempt: 1, outcome });
  await bench.turn();
  assert.ok((bench.run("a").reason ?? "").length < 5_000);
});

Deno.test("a run that another program changed in the database wins, and the conflict is logged", async () => {
  const bench = new Bench();
  await bench.start("a");
  await bench.turn();
  const row = { source: "workflow:w", type: "run.killed", refId: "a", causeId: null, payload: null } as const;
  await bench.store.transition("a", { from: ["started"] }, { status: "killed", exitCode: 137 }, row);
  await bench.sendMessage("a");
  assert.deepEqual(bench.problems, ["run a was changed by another program: it is killed"]);
  assert.deepEqual(bench.manager.readLoads(), [{
    workflow: "w",
    active: 0,
    unassigned: 0,
    queued: 0,
    waiting: 0,
    paused: 0,
  }]);
});
