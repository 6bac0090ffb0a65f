/** Workflows that are removed or mended while runs are active, in real processes. tests/faults/workflows/move_test.ts has changed code. */
import assert from "node:assert/strict";
import { fastClock } from "../../support/fast_clock.ts";
import { long } from "../../support/long_form.ts";
import { atWork, closeGate, gated, rowsOf, runEnd, steps } from "../../support/workflow_life.ts";
import { startWorkspace } from "../../support/workspace_fixture.ts";

const renewed = steps(
  `pass: () => ({ content: "the new code", meta: {} })`,
  `({ messages }) => messages.length < 2 ? "pass" : END`,
);

Deno.test("a run of a removed workflow that has not finished by the drain timeout ends as interrupted", async () => {
  await using workspace = await startWorkspace({
    clock: fastClock(5),
    yaml: { workflows: { w: { drain_timeout: "1s", ...gated.settings } } },
    workflows: { w: gated.text() },
  });
  closeGate(workspace);
  await atWork(workspace, "w", "old");
  workspace.write("nerve.yaml", "workflows: {}\n");
  await workspace.kernel.api.reload();
  const old = await runEnd(workspace, "old");
  assert.deepEqual([old.status, old.exitCode], ["interrupted", null]);
  assert.equal(old.reason, "workflow w left the configuration, and the run did not finish within 1s");
  // Its role ignores the abort: its process, the old one, is ended after the grace period, which does not count as a
  // death.
  await workspace.change("workflow:w", "ended");
  assert.deepEqual(await rowsOf(workspace, "old", "run.crashed"), []);
});

long.test("a change of its files lifts the quarantine of a workflow, and its waiting run resumes on the new code", async () => {
  await using workspace = await startWorkspace({
    yaml: { workflows: { w: gated.settings } },
    workflows: { w: gated.text(2) },
  });
  closeGate(workspace);
  for (const [id, deaths] of [["crashes", 3], ["waits", 2]] as const) {
    await atWork(workspace, "w", id);
    for (let death = 1; death <= deaths; death++) {
      const from = workspace.events.length;
      Deno.kill(workspace.pid("w"), "SIGABRT");
      await workspace.change("workflow:w", "died", from);
      if (death < deaths) await workspace.log("workflow:w", / works$/, from);
    }
    if (id === "crashes") await runEnd(workspace, id);
  }
  await workspace.change("workflow:w", "quarantined");
  workspace.write("workflows/w/index.ts", renewed);
  await workspace.kernel.api.reload();
  const run = await runEnd(workspace, "waits");
  assert.deepEqual([run.status, run.rounds], ["completed", 2]);
});
