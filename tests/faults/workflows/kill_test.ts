/**
 * Kills in real processes: immediate when nothing runs, by an abort when something does, by force when the abort is
 * ignored.
 */
import assert from "node:assert/strict";
import { NerveError } from "../../../src/base/errors.ts";
import { fastClock } from "../../support/fast_clock.ts";
import { long } from "../../support/long_form.ts";
import { atWork, closeGate, gated, openGate, rowsOf, runEnd, steps } from "../../support/workflow_life.ts";
import { startWorkspace } from "../../support/workspace_fixture.ts";

Deno.test("a queued run is killed at once, and the rest of the queue stays in order", async () => {
  await using workspace = await startWorkspace({
    yaml: { workflows: { w: { overflow: "queue", ...gated.settings } } },
    workflows: { w: gated.text() },
  });
  closeGate(workspace);
  const { api: view } = workspace.kernel;
  await atWork(workspace, "w", "first");
  for (const runId of ["second", "third"]) await workspace.kernel.startWorkflow("w", { runId });
  const killed = await view.killRun("second", "not wanted");
  assert.deepEqual([killed.status, killed.exitCode, killed.attempt, killed.reason], ["killed", 137, 0, "not wanted"]);
  openGate(workspace);
  assert.equal((await runEnd(workspace, "third")).status, "completed");
  assert.deepEqual(view.records.run("second"), killed);
});

const cooperative = steps(`wait: async ({ start, signal, log }) => {
  log("info", start.runId + " works");
  await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  return { content: "", meta: {} };
}`);

Deno.test("a started run is killed by an abort; its process lives and takes the next run", async () => {
  await using workspace = await startWorkspace({ workflows: { w: cooperative } });
  const { api: view } = workspace.kernel;
  await atWork(workspace, "w", "a");
  const pid = workspace.pid("w");
  const killed = await view.killRun("a", null);
  assert.deepEqual([killed.status, killed.exitCode, killed.reason], ["killed", 137, "killed on request"]);
  await atWork(workspace, "w", "b");
  assert.equal(workspace.pid("w"), pid);
  assert.deepEqual(await rowsOf(workspace, "a", "run.refused"), []);
  await assert.rejects(view.killRun("a", null), (thrown: unknown) => {
    assert.ok(thrown instanceof NerveError);
    assert.equal(thrown.code, "RUN_ENDED");
    assert.match(thrown.message, /^run a has already ended: killed, exit code 137$/);
    return true;
  });
  await assert.rejects(view.killRun("none", null), { code: "RUN_UNKNOWN" });
  await view.killRun("b", null);
});

long.test("a result that arrives after the kill is rejected and logged, and changes nothing", async () => {
  await using workspace = await startWorkspace({
    workflows: {
      w: steps(`stubborn: async ({ start, signal, log }) => {
        log("info", start.runId + " works");
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        return { content: "done all the same", meta: {} };
      }`),
    },
  });
  const { api: view } = workspace.kernel;
  await atWork(workspace, "w", "a");
  const killed = await view.killRun("a", null);
  await workspace.kernel.startWorkflow("w", { runId: "b" });
  await workspace.log("workflow:w", /^b works$/);
  const [refused] = await rowsOf(workspace, "a", "run.refused");
  assert.deepEqual([refused?.said, refused?.why], ["message", "the run has ended: killed"]);
  assert.deepEqual(view.records.run("a"), killed);
  assert.deepEqual(view.records.messages("a", { limit: 9 }), []);
  await view.killRun("b", null);
});

long.test("a role that ignores the abort costs its process; siblings resume as attempt 2, and no run counts as crashed", async () => {
  await using workspace = await startWorkspace({
    clock: fastClock(5),
    yaml: { workflows: { w: { concurrency: 2, ...gated.settings } } },
    workflows: { w: gated.text() },
  });
  closeGate(workspace);
  const { api: view } = workspace.kernel;
  for (const id of ["ignores", "sibling"]) await atWork(workspace, "w", id);
  const from = workspace.events.length;
  await view.killRun("ignores", null);
  await workspace.change("workflow:w", "ended", from);
  openGate(workspace);
  const sibling = await runEnd(workspace, "sibling");
  assert.deepEqual([sibling.status, sibling.attempt], ["completed", 2]);
  for (const id of ["ignores", "sibling"]) assert.deepEqual(await rowsOf(workspace, id, "run.crashed"), []);
  assert.equal(workspace.unit("w").deaths, 0);
});

long.test("a run can be killed when its process is already dead", async () => {
  await using workspace = await startWorkspace({
    yaml: { workflows: { w: { overflow: "queue", ...gated.settings } } },
    workflows: { w: gated.text() },
  });
  closeGate(workspace);
  await atWork(workspace, "w", "a");
  await workspace.kernel.startWorkflow("w", { runId: "b" });
  // When the kill comes, no part of nerve has noticed its death yet.
  Deno.kill(workspace.pid("w"), "SIGKILL");
  const killed = await workspace.kernel.api.killRun("a", null);
  assert.equal(killed.status, "killed");
  openGate(workspace);
  assert.equal((await runEnd(workspace, "b")).status, "completed");
  assert.deepEqual(workspace.kernel.api.records.run("a"), killed);
});
