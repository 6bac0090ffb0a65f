/** Which process has which runs, and what happens to a role that does not stop. */
import assert from "node:assert/strict";
import { killGraceMs } from "../../../src/base/limits.ts";
import { ActiveRuns, type RunEntry } from "../../../src/workflow/local/active_runs.ts";
import { Assignments } from "../../../src/workflow/local/assignments.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { aRun } from "../../support/api_views.ts";
import { FakeProcess } from "../../support/fake_workflow_host.ts";

function setUp(...ids: string[]) {
  const clock = new FakeClock(), freed: number[] = [], runs = new ActiveRuns(), process = new FakeProcess(1, "w");
  const assignments = new Assignments(clock, (id) => freed.push(id));
  const entries = ids.map((runId): RunEntry => {
    const entry = runs.add(aRun({ runId, workflow: "w", status: "started" }), { tag: "running", process });
    assignments.assign(process, entry);
    return entry;
  });
  return { clock, freed, process, assignments, entries };
}

Deno.test("a process may report only about the runs that it has", () => {
  const { assignments, entries } = setUp("a");
  assert.equal(assignments.findAssigned(1, "a"), entries[0]);
  assert.equal(assignments.findAssigned(1, "b"), null);
  assert.equal(assignments.findAssigned(2, "a"), null);
});

Deno.test("a process is free, once, when its last run is released", () => {
  const { assignments, process, entries: [a, b], freed } = setUp("a", "b");
  assignments.release(process, a ?? assert.fail());
  assert.deepEqual([freed, assignments.isBusy(1), assignments.idle], [[], true, false]);
  assignments.release(process, b ?? assert.fail());
  assignments.release(process, b ?? assert.fail());
  assert.deepEqual([freed, assignments.isBusy(1), assignments.idle], [[1], false, true]);
});

Deno.test("a role that does not stop within the grace period costs its process, and keeps its slot until then", async () => {
  const { assignments, process, entries: [a], clock } = setUp("a");
  const entry = a ?? assert.fail();
  assignments.abort(process, entry, "killed");
  await clock.tick(killGraceMs - 1);
  assert.deepEqual([process.recycled, entry.queue.active.size], [null, 1]);
  await clock.tick(1);
  assert.match(process.recycled ?? "", /^run a /);
  assert.ok(assignments.isRecycling(1));
  const { runs, recycled } = assignments.removeProcess(1);
  assert.deepEqual([runs, recycled, entry.queue.active.size], [[entry], true, 0]);
});

Deno.test("a role that stops within the grace period leaves no timer, and its process keeps running", async () => {
  const { assignments, process, entries: [a], clock } = setUp("a", "b");
  const entry = a ?? assert.fail();
  assignments.abort(process, entry, "killed");
  assignments.release(process, entry);
  assert.deepEqual([clock.pending, entry.queue.active.has(entry)], [0, false]);
  await clock.tick(killGraceMs);
  assert.equal(process.recycled, null);
});

Deno.test("a deadline includes the grace period, and is cancelled when the role has answered", async () => {
  const { assignments, process, entries: [a, b], clock } = setUp("a", "b");
  const late: string[] = [];
  assignments.setDeadline(process, a ?? assert.fail(), 1_000, () => late.push("a"));
  assignments.setDeadline(process, b ?? assert.fail(), 1_000, () => late.push("b"));
  assignments.clearDeadline(process, a ?? assert.fail());
  await clock.tick(1_000 + killGraceMs - 1);
  assert.deepEqual(late, []);
  await clock.tick(1);
  assert.deepEqual(late, ["b"]);
});

Deno.test("a process is ended once, however many of its roles do not stop", () => {
  const { assignments, process } = setUp("a");
  assignments.recycle(process, "first");
  assignments.recycle(process, "second");
  assert.equal(process.recycled, "first");
});

Deno.test("a process that has ended leaves its runs to others, and no timer", () => {
  const { assignments, process, entries, clock, freed } = setUp("a", "b");
  assignments.setDeadline(process, entries[0] ?? assert.fail(), 1_000, () => assert.fail());
  assert.deepEqual(assignments.removeProcess(1), { runs: entries, probed: [], recycled: false });
  assert.deepEqual([clock.pending, assignments.idle, freed], [0, true, []]);
  assert.deepEqual(assignments.removeProcess(1), { runs: [], probed: [], recycled: false });
});
