/**
 * The command line against a real daemon in a process of its own: from the template of a workflow to kills and crashes.
 */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import { delay } from "../../../src/base/time.ts";
import { runCli } from "../../../src/cli/app.ts";
import { CapturedIo } from "../../support/captured_io.ts";
import { long } from "../../support/long_form.ts";
import { Daemon } from "../../support/mortal_daemon.ts";
import { closeGate, gated, openGate } from "../../support/workflow_life.ts";
import { makeWorkspace, within, type WorkspaceFixture } from "../../support/workspace_fixture.ts";

function cli(workspace: WorkspaceFixture) {
  return async (...argv: string[]) => {
    const io = new CapturedIo({ cwd: workspace.root });
    const code = await within(runCli(argv, io), `nerve ${argv.join(" ")}`, () => io.out + io.err);
    return { code, out: io.out, err: io.err };
  };
}

long.test("init workflow writes a template that runs as it stands, from its trigger to its thread", async () => {
  await using workspace = await makeWorkspace({ yaml: "workflows: {}\n" });
  const nerve = cli(workspace);
  assert.equal((await nerve("init", "workflow", "tidy-up")).code, 0);
  const daemon = await Daemon.start(workspace.paths);
  try {
    const run = await nerve("workflow", "trigger", "tidy-up", "--prompt", "the shed", "--id", "first", "--wait");
    assert.deepEqual([run.code, run.out, run.err], [0, "first\n", "✅ completed after 2 rounds\n"]);
    const thread = await nerve("workflow", "thread", "first");
    assert.match(thread.out, /1 look .*\nlooked into: the shed\n\n2 act .*\nacted on 3 things\n/);
    await daemon.stop();
  } finally {
    await daemon.kill();
  }
});

long.test("a command that waits for a run exits with 137 when the run is killed, and the lists show it", async () => {
  await using workspace = await makeWorkspace({
    yaml: { workflows: { w: { overflow: "queue", ...gated.settings } } },
    workflows: { w: gated.text() },
  });
  closeGate(workspace);
  const nerve = cli(workspace);
  const daemon = await Daemon.start(workspace.paths);
  try {
    assert.equal((await nerve("workflow", "trigger", "w", "--id", "a")).code, 0);
    const waiting = nerve("workflow", "trigger", "w", "--id", "b", "--wait");
    const queued = async () => JSON.parse((await nerve("workflow", "list", "--status", "queued", "--json")).out);
    while ((await queued()).runs.total === 0) await delay(systemClock, 20);
    assert.match((await nerve("workflow", "list")).out, /1 of 1 +1 +0 +queue/);

    const killed = await nerve("workflow", "kill", "b", "--reason", "no longer wanted");
    assert.deepEqual([killed.code, killed.out], [
      0,
      "🛑 b of w: killed after 0 rounds, exit code 137: no longer wanted\n",
    ]);
    const ended = await waiting;
    assert.deepEqual([ended.code, ended.out, ended.err], [137, "b\n", "🛑 killed after 0 rounds: no longer wanted\n"]);
    const again = await nerve("workflow", "kill", "b");
    assert.deepEqual([again.code, again.err], [
      1,
      "❌ run b has already ended: killed, exit code 137\n   nerve workflow inspect b\n",
    ]);

    // A process that has not loaded its code yet cannot crash on a run.
    while (!(await nerve("workflow", "inspect", "a", "--json")).out.includes("a works")) await delay(systemClock, 20);
    const pid = (await daemon.client.health()).units.find(({ name }) => name === "w")?.pid;
    assert.ok(typeof pid === "number");
    Deno.kill(pid, "SIGKILL");
    openGate(workspace);
    assert.equal((await nerve("workflow", "trigger", "w", "--id", "a", "--wait")).code, 0);
    const inspected = await nerve("workflow", "inspect", "a", "--json");
    const { run, attempts, rows } = JSON.parse(inspected.out);
    assert.deepEqual([run.status, run.attempt], ["completed", 2]);
    assert.deepEqual(attempts.map(({ attempt, round }: { attempt: number; round: number }) => [attempt, round]), [
      [1, 1],
      [2, 1],
    ]);
    assert.match(attempts[1].after, /killed from outside/);
    assert.ok(rows.some(({ type }: { type: string }) => type === "run.crashed"));
    const page = await nerve("workflow", "inspect", "a", "--limit", "2");
    assert.match(page.out, /ATTEMPT +TIME +ROUND +AFTER\n1 .*\n2 .* was killed from outside/);
    assert.match(page.out, /next: nerve workflow inspect a --after \d+ --limit 2/);
    await daemon.stop();
  } finally {
    await daemon.kill();
  }
});
