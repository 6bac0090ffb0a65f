/** `nerve workflow follow`: the whole story of a run, live and afterwards, and its exit code. */
import assert from "node:assert/strict";
import { runCli } from "../../../src/cli/app.ts";
import { long } from "../../support/long_form.ts";
import { heardLater } from "../../support/workspace_fixture.ts";
import { serveWorkspace } from "../../support/served_workspace.ts";
import { closeGate, gated, openGate, steps } from "../../support/workflow_life.ts";
import { past, storeRun } from "../../support/past_workspace.ts";

Deno.test("follow prints rounds, rows and output from the first row on, and ends with the run and its exit code", async () => {
  const text = `import { command } from "nerve";\n` + steps(`
    say: async ({ signal, log }) => {
      await command("sh", ["-c", "echo first; echo '\\\\033[31msecond'"], { signal, log });
      log("warn", "careful", { n: 1 });
      return { content: "two\\nlines", meta: {} };
    },
    fail: () => { throw new Error("no luck"); }`);
  await using served = await serveWorkspace({
    yaml: { workflows: { w: { permissions: { run: ["sh"] } } } },
    workflows: { w: text },
  });
  await served.workspace.kernel.startWorkflow("w", { runId: "a" });
  const { code, out, err } = await served.nerve("workflow", "follow", "a");
  assert.deepEqual([code, err], [1, ""]);
  const lines = out.trimEnd().split("\n").map((line) => line.replace(/^\d\d:\d\d:\d\d\S* /, ""));
  const place = `${served.workspace.root}/workflows/w/index.ts:9:25`;
  assert.deepEqual(lines.slice(1), [
    "🔄 started",
    "📝 first",
    "📝 \\u001b[31msecond",
    '🔶 careful {"n":1}',
    "round 1, say",
    "two",
    "lines",
    `🔶 attempt failed: no luck (${place})`,
    `❌ failed: role fail failed in round 2: no luck (${place})`,
  ]);
  // The same once it has ended, also without a daemon.
  const again = await served.nerve("workflow", "follow", "a");
  assert.deepEqual([again.code, again.out.split("\n").slice(1)], [1, out.split("\n").slice(1)]);
  await served.stop();
  const stopped = await served.nerve("workflow", "follow", "a", "--json");
  const rows = stopped.out.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual([stopped.code, rows[0].type, rows.at(-1).type, rows.every(({ refId }) => refId === "a")], [
    1,
    "run.started",
    "run.failed",
    true,
  ]);
});

long.test("follow waits with a run that works, and an interrupt leaves the run alone", async () => {
  await using served = await serveWorkspace({
    yaml: { workflows: { w: gated.settings } },
    workflows: { w: gated.text() },
  });
  const { workspace } = served;
  closeGate(workspace);
  await workspace.kernel.startWorkflow("w", { runId: "a" });
  const [first, second] = [served.io(), served.io()];
  const followed = heardLater(runCli(["workflow", "follow", "a"], first));
  const left = heardLater(runCli(["workflow", "follow", "a"], second));
  for (const io of [first, second]) await io.seen(/a works/);
  second.interrupt();
  assert.equal(await left, 130, "not the end of the run");
  openGate(workspace);
  assert.equal(await followed, 0);
  assert.match(first.out, /round 1, pass\npassed\n.* ✅ completed\n$/);
});

Deno.test("follow refuses an unknown run, and says so when no daemon works on a run that goes on", async () => {
  await past((store) => storeRun(store, "run-7", 1, "started"), async ({ nerve }) => {
    const unknown = await nerve("workflow", "follow", "nosuch");
    assert.deepEqual([unknown.code, /there is no run/.test(unknown.err)], [1, true], unknown.err);
    const alone = await nerve("workflow", "follow", "run-7");
    assert.deepEqual([alone.code, /no daemon runs/.test(alone.err)], [3, true], alone.err);
  });
});

Deno.test("follow says what finally returned, or why it failed", async () => {
  await past(async (store) => {
    for (const runId of ["run-1", "run-2"]) await storeRun(store, runId, 1);
    const closed = { status: "completed", attempts: 1 } as const;
    await store.runs.closeRun({ ...ofRun, runId: "run-1" }, { ...closed, content: "2 files are left", meta: {} });
    await store.runs.closeRun({ ...ofRun, runId: "run-2" }, { ...closed, error: "timed out after 1m" });
  }, async ({ nerve }) => {
    assert.match((await nerve("workflow", "follow", "run-1")).out, /✅ finally: 2 files are left\n$/);
    assert.match((await nerve("workflow", "follow", "run-2")).out, /❌ finally: timed out after 1m\n$/);
  });
});

const ofRun = { workflow: "cleanup", attempt: 1, causeId: null, status: "completed" } as const;
