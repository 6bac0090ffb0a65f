/**
 * A process names what SQLite does not give back as it was written. Danger: an id that does not find its row again, so
 * that a run waits for ever for a request that nobody can decide.
 */
import assert from "node:assert/strict";
import { hostile, HostileProcesses } from "../../support/hostile_processes.ts";
import { long } from "../../support/long_form.ts";
import { runEnd } from "../../support/workflow_life.ts";
import { startWorkspace } from "../../support/workspace_fixture.ts";

const workflow = `import { defineWorkflow, END } from "nerve";
export default defineWorkflow({ roles: { ask: () => ({ content: "", meta: {} }) }, moderator: () => END });`;

/** A process that has its run wait at a gate of this role and phase, which expires at once, and completes it then. */
function asking(role: string, phase: string): string {
  return `
  const wait = { kind: "gate", title: "Go on?", body: "", options: ["go", "a\\0b"], expiresMs: 0, onExpiry: "a\\0b",
    approvers: null, phase: ${JSON.stringify(phase)} };
  await say({ t: "ready" });
  await say({ t: "loaded", name, problems: [] });
  for (;;) {
    const { start, attempt, rounds } = await hearA("run"), run = { runId: start.runId, attempt };
    if (rounds > 0) await say({ t: "finished", ...run, outcome: { kind: "completed" } });
    else await say({ t: "wait", ...run, round: 1, role: ${JSON.stringify(role)}, wait });
  }`;
}

/** How the only run of such a process ends, and what it has asked. */
async function end(role: string, phase: string) {
  using _processes = new HostileProcesses({ w: asking(role, phase) });
  await using workspace = await startWorkspace({ yaml: { workflows: { w: hostile } }, workflows: { w: workflow } });
  const { kernel } = workspace;
  await kernel.startWorkflow("w", { runId: "a" });
  const { status, reason } = await runEnd(workspace, "a");
  const asked = kernel.api.approvals({ all: true, limit: 10, offset: 0 }).items;
  return { status, reason, asked: asked.map(({ id }) => kernel.api.approval(id)) };
}

for (const phase of ["a\0b", "\0", "\ud800", "\udfff\ud800"]) {
  (phase === "\ud800" ? Deno : long).test(
    `a gate with the phase ${JSON.stringify(phase)} expires, and its request is found`,
    async () => {
      const { status, asked: [request] } = await end("ask", phase);
      assert.equal(status, "completed");
      assert.equal(request?.state, "expired");
      assert.equal(request?.decision, "a\ufffdb");
    },
  );
}

for (const role of ["", "a\0b", "\0", "\ud800"]) {
  (role === "a\0b" ? Deno : long).test(`the role ${JSON.stringify(role)} ends its run`, async () => {
    const { status, reason, asked } = await end(role, "");
    assert.deepEqual([status, asked], ["failed", []]);
    assert.match(reason ?? "", /the role has no name that can be stored/);
  });
}
