/**
 * A workflow whose code does not load: its runs wait, say why, and continue once the code is fixed. The bug was: they
 * failed, even runs that had been active for long, because a file was broken while the daemon was down.
 */
import assert from "node:assert/strict";
import { long } from "../../support/long_form.ts";
import { atWork, closeGate, gated, openGate, rowsOf, runEnd } from "../../support/workflow_life.ts";
import { startWorkspace, type WorkspaceFixture } from "../../support/workspace_fixture.ts";

const yaml = { workflows: { w: { overflow: "queue", ...gated.settings } } };
const broken = "export default {;\n";

async function awaitReason(workspace: WorkspaceFixture, from: number): Promise<void> {
  const { message } = await workspace.change("workflow:w", "quarantined", from);
  assert.match(message, /^cannot be loaded: SyntaxError.*w\/index\.ts:1:\d+\); it stays down until its files change/);
}

long.test("runs whose code does not load at the start wait, say why, and resume once it is fixed", async () => {
  await using workspace = await startWorkspace({ yaml, workflows: { w: gated.text(2) } });
  closeGate(workspace);
  await atWork(workspace, "w", "under-way");
  await workspace.kernel.startWorkflow("w", { runId: "queued" });
  const stopping = workspace.stop();
  openGate(workspace);
  await stopping;
  workspace.write("workflows/w/index.ts", broken);
  const from = workspace.events.length;
  await workspace.start();
  await awaitReason(workspace, from);
  const { api: view } = workspace.kernel;
  assert.match(view.workflows()[0]?.problem ?? "", /^quarantined: cannot be loaded: SyntaxError/);
  assert.match(workspace.unit("w").reason ?? "", /^cannot be loaded: SyntaxError/);
  assert.equal((await workspace.kernel.startWorkflow("w", { runId: "new" })).status, "queued");
  const statuses = () => ["under-way", "queued", "new"].map((id) => view.records.run(id)?.status);
  assert.deepEqual(statuses(), ["started", "queued", "queued"]);

  // When reset with the same code, they find the same error, and lose nothing by it.
  const again = workspace.events.length;
  await view.reload();
  await awaitReason(workspace, again);
  assert.deepEqual(statuses(), ["started", "queued", "queued"]);

  workspace.write("workflows/w/index.ts", gated.text(2));
  await view.reload();
  for (const id of ["under-way", "queued", "new"]) {
    const run = await runEnd(workspace, id);
    assert.deepEqual([run.status, run.rounds], ["completed", 2], run.reason ?? "");
    assert.deepEqual(await rowsOf(workspace, id, "run.crashed"), [], "it does not count as a death");
  }
  assert.equal(view.workflows()[0]?.problem, null);
});

Deno.test("a run that waits for loadable code can be killed", async () => {
  await using workspace = await startWorkspace({ yaml: { workflows: { w: {} } }, workflows: { w: broken } });
  await workspace.kernel.startWorkflow("w", { runId: "a" });
  await awaitReason(workspace, 0);
  const { status, exitCode } = await workspace.kernel.api.killRun("a", null);
  assert.deepEqual([status, exitCode], ["killed", 137]);
});
