/** A kernel that stops and starts again over the same workspace: every run continues where it was, or says why not. */
import assert from "node:assert/strict";
import { long } from "../../support/long_form.ts";
import { atWork, closeGate, gated, openGate, rowsOf, runEnd, steps } from "../../support/workflow_life.ts";
import { startWorkspace } from "../../support/workspace_fixture.ts";

Deno.test("queued runs are still queued after a stop, and start in their order", async () => {
  await using workspace = await startWorkspace({
    yaml: { workflows: { w: { overflow: "queue", ...gated.settings } } },
    workflows: { w: gated.text(2) },
  });
  closeGate(workspace);
  const ids = ["a", "b", "c", "d"];
  await atWork(workspace, "w", "a");
  for (const runId of ids.slice(1)) await workspace.kernel.startWorkflow("w", { runId });
  // The running role gets its time: its message is stored, and no further role begins.
  const stopping = workspace.stop();
  openGate(workspace);
  await stopping;
  await workspace.start();
  for (const id of ids) assert.equal((await runEnd(workspace, id)).status, "completed", id);
  const starts = [...await workspace.rows({ type: "run.started" })].map(({ refId }) => refId);
  assert.deepEqual(starts, ids);
  const [resumed] = await rowsOf(workspace, "a", "run.resumed");
  assert.deepEqual([resumed?.attempt, resumed?.rounds, resumed?.after], [2, 1, "the daemon was down"]);
});

long.test("a run that waits for its role's next attempt still waits after a stop and a start", async () => {
  const role = (backoff: string) =>
    steps(`one: {
      retry: { attempts: 2, backoff: "${backoff}" },
      run: ({ log }) => { log("info", "tried"); throw new Error("no"); },
    }`);
  await using workspace = await startWorkspace({ workflows: { hours: role("5h"), soon: role("1s") } });
  for (const name of ["hours", "soon"]) {
    await workspace.kernel.startWorkflow(name, { runId: name });
    await workspace.log(`workflow:${name}`, /tried/);
  }
  const [failure] = await rowsOf(workspace, "hours", "run.attempt_failed");
  await workspace.stop();
  await workspace.start();
  const soon = await runEnd(workspace, "soon");
  assert.equal(soon.reason?.replace(/ \(.*/, ""), "role one failed in round 1, attempt 2 of 2: no");
  assert.deepEqual(await rowsOf(workspace, "hours", "run.attempt_failed"), [failure]);
  assert.equal(workspace.kernel.api.records.run("hours")?.attempt, 1, "it was not restarted");
});

long.test("runs whose workflow has left the configuration end as interrupted at the next start", async () => {
  await using workspace = await startWorkspace({
    yaml: { workflows: { gone: { overflow: "queue", ...gated.settings }, stays: {} } },
    workflows: { gone: gated.text(2), stays: steps(`one: () => ({ content: "", meta: {} })`) },
  });
  closeGate(workspace);
  await atWork(workspace, "gone", "started");
  await workspace.kernel.startWorkflow("gone", { runId: "queued" });
  const stopping = workspace.stop();
  openGate(workspace);
  await stopping;
  workspace.write("nerve.yaml", "workflows: { stays: {} }\n");
  await workspace.start();
  for (const id of ["started", "queued"]) {
    const run = await runEnd(workspace, id);
    assert.deepEqual([run.status, run.exitCode], ["interrupted", null]);
    assert.equal(run.reason, "workflow gone is no longer in the configuration");
  }
});

Deno.test("an existing id attaches to its run in any state, also after a restart", async () => {
  await using workspace = await startWorkspace({ workflows: { w: steps(`one: () => ({ content: "", meta: {} })`) } });
  const request = { runId: "same", payload: { n: 1 } };
  await workspace.kernel.startWorkflow("w", request);
  await runEnd(workspace, "same");
  await workspace.stop();
  await workspace.start();
  assert.equal((await workspace.kernel.startWorkflow("w", request)).status, "completed");
  await assert.rejects(workspace.kernel.startWorkflow("w", { ...request, payload: { n: 2 } }), {
    code: "RUN_CONFLICT",
  });
  assert.equal((await workspace.rows({ refId: "same", type: "run.started" })).length, 1);
});
