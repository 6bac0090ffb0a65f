/** Pauses in real processes, and over the death of the daemon: a role is aborted and runs again, and nothing else moves. */
import assert from "node:assert/strict";
import { long } from "../../support/long_form.ts";
import { Daemon } from "../../support/mortal_daemon.ts";
import { serveWorkspace } from "../../support/served_workspace.ts";
import { atWork, rowsOf, runEnd, steps } from "../../support/workflow_life.ts";
import { makeWorkspace, within } from "../../support/workspace_fixture.ts";

/** Works until it is aborted, the first time; says so the second time. */
const worker = steps(`work: async ({ start, log, signal, idempotencyKey, config }) => {
  log("info", start.runId + " works");
  const again = (() => { try { Deno.statSync(String(config.go)); return true; } catch { return false; } })();
  if (again) return { content: "done as " + idempotencyKey, meta: {} };
  await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
}`);
const yaml = { workflows: { w: { permissions: { read: ["./go"] }, config: { go: "go/now" } } } };

Deno.test("nerve workflow pause aborts the role; after nerve workflow resume it runs again", async () => {
  await using served = await serveWorkspace({ yaml, workflows: { w: worker } });
  const { workspace } = served;
  await atWork(workspace, "w", "r");
  const paused = await served.nerve("workflow", "pause", "r", "--reason", "the disk is full");
  assert.deepEqual([paused.code, paused.out], [0, "⏸️ r of w: paused: the disk is full\n"]);
  assert.match((await served.nerve("workflow", "list")).out, /r +w +paused .* paused: the disk is full/);
  assert.match((await served.nerve("workflow", "inspect", "r")).out, /next: nerve workflow resume r\n/);
  assert.match((await served.nerve("why", "r")).out, /now: paused: the disk is full/);
  assert.match((await served.nerve("status")).out, /0 active, 0 queued, 1 paused/);
  workspace.write("go/now", "");
  assert.equal((await served.nerve("workflow", "resume", "r")).out, "🔄 r of w: started\n");
  assert.equal((await runEnd(workspace, "r")).status, "completed");
  const [message] = workspace.kernel.api.records.messages("r", {});
  assert.equal(message?.content, "done as r:1");
  assert.equal((await rowsOf(workspace, "r", "run.attempt_failed")).length, 0, "the abort is no failure of the role");
  const again = await served.nerve("workflow", "pause", "r");
  assert.deepEqual([again.code, /has already ended/.test(again.err)], [1, true]);
});

long.test("a paused run stays paused over kill -9 of the daemon", async () => {
  await using workspace = await makeWorkspace({ yaml, workflows: { w: worker } });
  let daemon = await Daemon.start(workspace.paths);
  try {
    await daemon.client.startRun("w", { runId: "r" });
    assert.equal((await daemon.client.pauseRun("r", {})).status, "paused");
    await daemon.kill();
    workspace.write("go/now", "");
    daemon = await Daemon.start(workspace.paths);
    assert.equal((await daemon.client.run("r", false)).status, "paused");
    assert.equal((await daemon.client.resumeRun("r")).status, "started");
    const run = await within(daemon.client.run("r", true), "the end of the run", () => daemon.output);
    assert.deepEqual([run.status, run.rounds], ["completed", 1]);
  } finally {
    await daemon.kill();
  }
});
