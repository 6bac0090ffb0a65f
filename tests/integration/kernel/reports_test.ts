/**
 * Reports of runs: files that are there whole or not at all, and are made good. Dangers: a report that is lost with a death
 * of the daemon, a repair that changes the run.
 */
import assert from "node:assert/strict";
import type { KernelEvent } from "../../../src/protocol/event.ts";
import type { Run } from "../../../src/protocol/run.ts";
import { readReport, removeReport, untilReport } from "../../support/develop_world.ts";
import { long } from "../../support/long_form.ts";
import { runEnd } from "../../support/workflow_life.ts";
import { startWorkspace, type WorkspaceFixture } from "../../support/workspace_fixture.ts";

const text = `import { defineWorkflow, END, gate, killRun } from "nerve";
export default defineWorkflow({
  roles: { ask: gate({ title: "Go?", options: ["approve", "abort"] }) },
  moderator: ({ messages }) => {
    const last = messages.at(-1);
    return last === undefined ? "ask" : last.meta.decision === "abort" ? killRun("given up") : END;
  },
  finally: {
    report: true,
    run: ({ start, end }) => {
      if (start.prompt === "throw") throw new Error("no words");
      return { content: "# " + start.runId + ": " + end.status + ", " + end.reason + "\\n", meta: {} };
    },
  },
});`;

function decide({ kernel }: WorkspaceFixture, runId: string, option: string) {
  const { digest = "" } = kernel.api.approval(`${runId}:ask::1`) ?? {};
  return kernel.api.decide(`${runId}:ask::1`, { option, digest, token: "t", by: "ada" });
}

function waitsAt(runId: string) {
  return (event: KernelEvent) => event.kind === "run" && event.run.runId === runId && event.run.status === "waiting";
}

async function end(workspace: WorkspaceFixture, runId: string, option: string, prompt = ""): Promise<Run> {
  await workspace.kernel.startWorkflow("w", { runId, prompt });
  await workspace.waitFor(waitsAt(runId), `run ${runId} to ask`);
  await decide(workspace, runId, option);
  return await runEnd(workspace, runId);
}

long.test("each end has its report, also one by a kill, and one whose finally fails", async () => {
  await using workspace = await startWorkspace({ workflows: { w: text } });
  const { root } = workspace;
  assert.equal((await end(workspace, "a", "approve")).status, "completed");
  assert.equal(await untilReport(root, "a"), "# a: completed, null\n");
  const aborted = await end(workspace, "b", "abort");
  assert.deepEqual([aborted.status, aborted.exitCode, aborted.reason], ["killed", 137, "given up"]);
  assert.equal(await untilReport(root, "b"), "# b: killed, given up\n");
  await end(workspace, "c", "approve", "throw");
  assert.match(
    await untilReport(root, "c"),
    /^# Run c: completed\n\nThe role that writes its report has failed: .*no words/,
  );
  await workspace.kernel.startWorkflow("w", { runId: "d" });
  await workspace.kernel.api.killRun("d", "enough");
  assert.equal(await untilReport(root, "d"), "# d: killed, enough\n");
  const [row] = await workspace.rows({ refId: "a", type: "run.closed" });
  assert.equal(Object(row?.payload).report, "data/reports/a.report.md");
  assert.equal((Deno.statSync(`${root}/data/reports/a.report.md`).mode ?? 0) & 0o077, 0);
  assert.deepEqual([...Deno.readDirSync(`${root}/data/reports`)].filter(({ name }) => name.endsWith(".new")), []);
});

Deno.test("case 7: a report that is missing is made good at the start, and no row of the run is written", async () => {
  await using workspace = await startWorkspace({ workflows: { w: text } });
  await end(workspace, "a", "approve");
  const before = await untilReport(workspace.root, "a"), rows = await workspace.rows({ refId: "a" });
  await workspace.stop();
  removeReport(workspace.root, "a");
  await workspace.start();
  assert.equal(readReport(workspace.root, "a"), before);
  assert.deepEqual(await workspace.rows({ refId: "a" }), rows);
  assert.equal(workspace.health().counters.reported, 1);
  const [told] = await workspace.rows({ type: "kernel.reports_mended" });
  assert.deepEqual(told?.payload, { reported: 1 });
});

long.test("case 29: a folder of reports that cannot be written stops no run, and the next start makes good", async () => {
  await using workspace = await startWorkspace({ workflows: { w: text } });
  const folder = `${workspace.root}/data/reports`;
  Deno.writeTextFileSync(folder, "in the way");
  const told = workspace.problem("kernel", /the report data\/reports\/a\.report\.md cannot be written/);
  assert.equal((await end(workspace, "a", "approve")).status, "completed");
  await told;
  await workspace.stop();
  await workspace.start();
  assert.equal(workspace.health().counters.reported, 0);
  await workspace.stop();
  Deno.removeSync(folder);
  await workspace.start();
  assert.equal(readReport(workspace.root, "a"), "# a: completed, null\n");
});
