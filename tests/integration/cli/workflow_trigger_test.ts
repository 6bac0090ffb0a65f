/** `nerve workflow trigger`: what it prints, and with --wait the exit code of the run. */
import assert from "node:assert/strict";
import { NerveError } from "../../../src/base/errors.ts";
import { runCli } from "../../../src/cli/app.ts";
import { runSchema } from "../../../src/protocol/api.ts";
import { CapturedIo } from "../../support/captured_io.ts";
import { withDaemon } from "../../support/fake_daemon.ts";
import { aRun } from "../../support/api_views.ts";
import { fastClock } from "../../support/fast_clock.ts";
import { nerve } from "../../support/in_process_nerve.ts";
import { serveWorkspace } from "../../support/served_workspace.ts";
import { within } from "../../support/workspace_fixture.ts";

Deno.test("workflow trigger prints the run id, and with --wait has the run's exit code", async () => {
  await withDaemon(async (root, view) => {
    const argv = ["workflow", "trigger", "cleanup", "--payload", `{"a":1}`, "--prompt", "go", "--id", "mine"];
    const started = await nerve(root, ...argv);
    assert.deepEqual([started.code, started.out], [0, "mine\n"]);
    assert.deepEqual(view.runsById.get("mine")?.payload, { a: 1 });
    const json = await nerve(root, ...argv, "--json");
    assert.equal(runSchema.parse(JSON.parse(json.out)).runId, "mine");

    view.start = () => {
      const run = aRun({ runId: "slow", status: "started", endedAt: null, exitCode: null });
      view.runsById.set("slow", run);
      return Promise.resolve(run);
    };
    view.runEnded = () => {
      view.runsById.set("slow", aRun({ runId: "slow", status: "failed", exitCode: 2, reason: "maxRounds reached" }));
      return Promise.resolve(null);
    };
    const waited = await nerve(root, "workflow", "trigger", "cleanup", "--wait");
    assert.deepEqual([waited.code, waited.out, waited.err], [
      2,
      "slow\n",
      "❌ failed after 2 rounds: maxRounds reached\n",
    ]);

    view.start = () => Promise.reject(new NerveError("RUN_CONFLICT", "run slow has another payload", { hint: "--id" }));
    const conflict = await nerve(root, "workflow", "trigger", "cleanup");
    assert.deepEqual([conflict.code, conflict.err], [1, "❌ run slow has another payload\n   --id\n"]);
  });
});

Deno.test("workflow trigger says when it started nothing, and when the payload looks like a request", async () => {
  await withDaemon(async (root) => {
    const payload = `{"prompt":"go","maxRounds":3}`;
    const first = await nerve(root, "workflow", "trigger", "cleanup", "--id", "one", "--payload", payload);
    assert.match(
      first.err,
      /^🔶 "prompt" and "maxRounds" became part of the payload; .*: --prompt TEXT --max-rounds N$/m,
    );
    assert.doesNotMatch(first.err, /attached/);
    const meant = await nerve(root, "workflow", "trigger", "cleanup", "--prompt", "a", "--payload", `{"prompt":"b"}`);
    assert.doesNotMatch(meant.err, /payload/);
    for (const more of [["--wait"], []]) {
      const again = await nerve(root, "workflow", "trigger", "cleanup", "--id", "one", ...more);
      assert.match(again.err, /^🔶 attached to run one, which has ended: completed; nothing was started$/m);
    }
  });
});

Deno.test("workflow trigger --wait says why the run is waiting", async () => {
  await withDaemon(async (root, view) => {
    const run = aRun({ runId: "held", workflow: "cleanup", status: "started", endedAt: null, exitCode: null });
    view.start = () => Promise.resolve(run);
    view.runsById.set("held", run);
    const problem = "quarantined: cannot be loaded: SyntaxError";
    let requests = 0;
    const often = Promise.withResolvers<void>();
    view.workflows = () => {
      if (++requests === 3) often.resolve();
      return [{
        name: "cleanup",
        use: null,
        schedule: [],
        nextDue: null,
        concurrency: 1,
        overflow: "drop",
        active: 1,
        queued: 0,
        waiting: 0,
        paused: 0,
        problem,
      }];
    };
    const io = new CapturedIo({ cwd: root, clock: fastClock(100) });
    const done = runCli(["workflow", "trigger", "cleanup", "--wait"], io);
    await within(often.promise, "three looks");
    view.runsById.set("held", aRun({ runId: "held", status: "completed", exitCode: 0 }));
    for (const { end } of view.waiting) end();
    assert.equal(await done, 0);
    assert.deepEqual(io.err.match(/.*the run waits.*/g), [
      "🔴 the run waits: cleanup is quarantined: cannot be loaded: SyntaxError",
    ]);
  });
});

Deno.test("workflow trigger --at and --in plan a run, and inspect says when it starts", async () => {
  const workflow = `import { defineWorkflow, END } from "nerve";
export default defineWorkflow({ roles: { say: () => ({ content: "hi", meta: {} }) }, moderator: () => END });`;
  await using served = await serveWorkspace({ workflows: { w: workflow } });
  const planned = await served.nerve("workflow", "trigger", "w", "--in", "2h", "--id", "later");
  assert.deepEqual([planned.code, planned.out], [0, "later\n"]);
  assert.match(planned.err, /queued: starts at 2\d{3}-/);
  assert.match((await served.nerve("workflow", "inspect", "later")).out, /queued\n[\s\S]*reason +starts at 2\d{3}-/);
  assert.equal((await served.nerve("workflow", "trigger", "w", "--at", "2999-01-01T00:00Z", "--id", "far")).code, 0);
  assert.match((await served.nerve("workflow", "inspect", "far")).out, /starts at 2999-01-01T00:00:00.000Z/);
  for (
    const [args, why] of [
      [["--at", "2001-01-01T00:00"], /is in the past/],
      [["--at", "soon"], /is not a time\n +write 2026-12-24T18:00/],
      [["--in", "2 hours"], /--in 2 hours: /],
      [["--in", "1h", "--at", "2999-01-01T00:00"], /not both/],
    ] as const
  ) {
    const refused = await served.nerve("workflow", "trigger", "w", ...args);
    assert.deepEqual([refused.code, why.test(refused.err)], [2, true], refused.err);
  }
  assert.equal((await served.nerve("workflow", "kill", "later")).code, 0);
});
