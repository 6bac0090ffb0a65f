/** The runs in memory: which hold a slot, and until when. Danger: a slot that is never given back blocks a workflow. */
import assert from "node:assert/strict";
import { ActiveRuns } from "../../../src/workflow/local/active_runs.ts";
import { aRun } from "../../support/api_views.ts";
import { FakeProcess } from "../../support/fake_workflow_host.ts";

Deno.test("a started run takes a slot, a queued one a place in the queue, a dropped one neither", () => {
  const runs = new ActiveRuns();
  const started = runs.add(aRun({ runId: "a", workflow: "w", status: "started" }), { tag: "creating" });
  const queued = runs.add(aRun({ runId: "b", workflow: "w", status: "queued" }), { tag: "creating" });
  runs.add(aRun({ runId: "c", workflow: "w", status: "dropped" }), { tag: "creating" });
  const queue = runs.findQueue("w") ?? assert.fail();
  assert.deepEqual([[...queue.active], [...queue.queued]], [[started], [queued]]);
  assert.equal(runs.get("b"), queued);
});

Deno.test("a removed run has given its place back, and cannot be found", () => {
  const runs = new ActiveRuns();
  const entry = runs.add(aRun({ runId: "a", workflow: "w", status: "started" }), { tag: "creating" });
  assert.ok(runs.has(entry));
  runs.remove(entry);
  assert.deepEqual([runs.has(entry), runs.get("a"), entry.queue.active.size], [false, null, 0]);
});

Deno.test("a run whose role is still aborting keeps its slot when it is removed", () => {
  const runs = new ActiveRuns();
  const phase = { tag: "aborting", process: new FakeProcess(1, "w") } as const;
  const entry = runs.add(aRun({ runId: "a", workflow: "w", status: "started" }), phase);
  runs.remove(entry);
  assert.equal(entry.queue.active.size, 1);
});

Deno.test("adding an id twice is a bug of nerve; adding a queue twice gives one queue", () => {
  const runs = new ActiveRuns();
  runs.add(aRun({ runId: "a", workflow: "w" }), { tag: "creating" });
  assert.throws(() => runs.add(aRun({ runId: "a", workflow: "w" }), { tag: "creating" }), /nerve bug/);
  assert.equal(runs.getOrAddQueue("w"), runs.findQueue("w"));
  assert.equal(runs.findQueue("unknown"), null);
});
