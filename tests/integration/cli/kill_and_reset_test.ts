/** `workflow kill`, `workflow reset`, `sense reset`, and how lists show a quarantine. */
import assert from "node:assert/strict";
import { systemClock } from "../../../src/base/clock.ts";
import { runCli } from "../../../src/cli/app.ts";
import { workspacePaths } from "../../../src/config/workspace.ts";
import { createApp } from "../../../src/control/app.ts";
import { serveControl } from "../../../src/control/unix_server.ts";
import { runSchema } from "../../../src/protocol/api.ts";
import { CapturedIo } from "../../support/captured_io.ts";
import { aRun } from "../../support/api_views.ts";
import { FakeView } from "../../support/fake_view.ts";
import { inTempDir, writeWorkspace } from "../../support/temp_workspace.ts";

type Nerve = (...argv: string[]) => Promise<{ code: number; out: string; err: string }>;

async function withDaemon(test: (nerve: Nerve, view: FakeView) => Promise<void>): Promise<void> {
  await inTempDir(async (root) => {
    await writeWorkspace(root, { "nerve.yaml": "senses: { cpu-usage: {} }\nworkflows: { cleanup: {} }\n" });
    const view = new FakeView(), app = createApp(view, { version: "0", stop: () => {}, report: () => {} });
    const { socket: path } = workspacePaths(root);
    const server = await serveControl(app, { path, clock: systemClock, report: () => {} });
    try {
      await test(async (...argv) => {
        const io = new CapturedIo({ cwd: root });
        const code = await runCli(argv, io);
        return { code, out: io.out, err: io.err };
      }, view);
    } finally {
      await server.stop();
    }
  });
}

Deno.test("workflow kill prints the run's new state; for a run that has ended it says so and exits 1", async () => {
  await withDaemon(async (nerve, view) => {
    view.runsById.set("going", aRun({ runId: "going", status: "started", exitCode: null, endedAt: null }));
    const killed = await nerve("workflow", "kill", "going", "--reason", "not needed");
    assert.deepEqual([killed.code, killed.out], [
      0,
      "🛑 going of cleanup: killed after 2 rounds, exit code 137: not needed\n",
    ]);
    const again = await nerve("workflow", "kill", "going");
    assert.deepEqual([again.code, again.out], [1, ""]);
    assert.match(again.err, /^❌ run going has already ended: killed/);
    view.runsById.set("other", aRun({ runId: "other", status: "queued", exitCode: null, endedAt: null }));
    const json = await nerve("workflow", "kill", "other", "--json");
    assert.equal(runSchema.parse(JSON.parse(json.out)).reason, "killed on request");
    assert.equal((await nerve("workflow", "kill", "none")).code, 1);
    assert.equal((await nerve("workflow", "kill")).code, 2);
  });
});

Deno.test("a reset says whether something was lifted; nothing to lift is not a failure", async () => {
  await withDaemon(async (nerve, view) => {
    for (const [part, name] of [["sense", "cpu-usage"], ["workflow", "cleanup"]] as const) {
      view.quarantined = true;
      assert.deepEqual(await nerve(part, "reset", name), { code: 0, out: `🟢 ${name} may run again\n`, err: "" });
      view.quarantined = false;
      assert.deepEqual(await nerve(part, "reset", name), { code: 0, out: `✅ ${name} was not quarantined\n`, err: "" });
      assert.deepEqual(JSON.parse((await nerve(part, "reset", name, "--json")).out), { lifted: false });
      const unknown = await nerve(part, "reset", "other");
      assert.equal(unknown.code, 1);
      assert.match(unknown.err, new RegExp(`there is no ${part} "other"\\n {3}there are: ${name}`));
    }
  });
});

Deno.test("without a daemon kill and reset exit 3", async () => {
  await inTempDir(async (root) => {
    await writeWorkspace(root, { "nerve.yaml": "workflows: { cleanup: {} }\n" });
    for (const argv of [["workflow", "kill", "a"], ["workflow", "reset", "cleanup"], ["sense", "reset", "a"]]) {
      const io = new CapturedIo({ cwd: root });
      assert.equal(await runCli(argv, io), 3);
    }
  });
});

Deno.test("workflow list says why a workflow is quarantined", async () => {
  await withDaemon(async (nerve, view) => {
    const problem = "quarantined: died 5 times in 60 s, the last time it ran out of its memory limit";
    const cleanup = {
      name: "cleanup",
      use: null,
      schedule: [] as string[],
      nextDue: null,
      concurrency: 1,
      overflow: "drop",
      active: 1,
      queued: 0,
      waiting: 0,
      paused: 0,
      problem,
    } as const;
    view.workflows = () => [cleanup];
    const { out } = await nerve("workflow", "list");
    assert.match(
      out,
      /🔴 {2}cleanup +1 of 1 +0 +0 +drop\n🔴 cleanup: quarantined: died 5 times in 60 s, the last time/,
    );
    assert.equal(JSON.parse((await nerve("workflow", "list", "--json")).out).workflows[0].problem, problem);
  });
});
