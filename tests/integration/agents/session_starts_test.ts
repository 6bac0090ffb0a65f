/** Programs of agents start a few at a time. Danger: fifty runs that ask at once leave the kernel no core. */
import assert from "node:assert/strict";
import { sessionStartsMax } from "../../../src/base/agent_limits.ts";
import { systemClock } from "../../../src/base/clock.ts";
import { startSlotMaxMs } from "../../../src/base/limits.ts";
import { long } from "../../support/long_form.ts";
import { runEnd } from "../../support/workflow_life.ts";
import { startWorkspace } from "../../support/workspace_fixture.ts";

const runs = Array.from({ length: 3 * sessionStartsMax }, (_, n) => `r${n}`);

/** With so many runs at once, whose agent has this script; what the scripts wrote into the file `starts`. */
async function runAll(agent: Record<string, unknown>, clock = systemClock): Promise<string[]> {
  await using workspace = await startWorkspace({
    clock,
    yaml: {
      agents: { script: { confine: "none", max_sessions: runs.length, ...agent } },
      workflows: { w: { agents: ["script"], concurrency: runs.length } },
    },
    workflows: {
      w: `import { agent, defineWorkflow, END } from "nerve";
export default defineWorkflow({
  roles: { ask: agent({ agent: "script", prompt: "begin" }) },
  moderator: ({ messages }) => messages.length === 0 ? "ask" : END,
});`,
    },
  });
  for (const runId of runs) await workspace.kernel.startWorkflow("w", { runId });
  for (const runId of runs) assert.equal((await runEnd(workspace, runId)).status, "completed");
  return Deno.readTextFileSync(`${workspace.root}/starts`).trim().split("\n");
}

function mostAtOnce(steps: readonly string[]): number {
  let now = 0, most = 0;
  for (const step of steps) most = Math.max(most, now += step === "begins" ? 1 : -1);
  return most;
}

Deno.test("programs that print nothing yet are few at a time, and each has its turn", async () => {
  const script = `cat > /dev/null; echo begins >> starts; sleep 0.2; echo prints >> starts; echo done`;
  const steps = await runAll({ protocol: "command", command: ["sh", "-c", script] });
  assert.equal(steps.length, 2 * runs.length);
  assert.ok(mostAtOnce(steps) <= sessionStartsMax, `${mostAtOnce(steps)} at once`);
});

long.test("what has printed has started: it does not hold back the others", async () => {
  // The first ones wait for the last: with a turn that lasts as long as the program, nobody would be the last.
  const script = `cat > /dev/null; echo begins; echo begins >> starts
until [ "$(wc -l < starts)" -ge ${runs.length} ]; do sleep 0.05; done`;
  assert.equal((await runAll({ protocol: "command", command: ["sh", "-c", script] })).length, runs.length);
});

long.test("a start that hangs holds back the others for a while, and no longer", async () => {
  const script = `cat > /dev/null; echo begins >> starts
until [ "$(wc -l < starts)" -ge ${runs.length} ]; do sleep 0.05; done`;
  const after: typeof systemClock.after = (ms, act) => systemClock.after(ms === startSlotMaxMs ? 50 : ms, act);
  const agent = { protocol: "command", command: ["sh", "-c", script] };
  assert.equal((await runAll(agent, { ...systemClock, after })).length, runs.length);
});

long.test("an agent of a conversation that stays has started when it has begun the conversation", async () => {
  // It says what it is, begins a conversation, and answers one prompt.
  const answer = (id: number, result: string) =>
    `read -r line; printf '{"jsonrpc":"2.0","id":${id},"result":${result}}\\n'`;
  const script = [
    ...["echo begins >> starts", "sleep 0.2", answer(1, `{"protocolVersion":1,"agentCapabilities":{}}`)],
    ...[
      "echo prints >> starts",
      answer(2, `{"sessionId":"s"}`),
      answer(3, `{"stopReason":"end_turn"}`),
      "cat > /dev/null",
    ],
  ].join("\n");
  const steps = await runAll({ protocol: "acp", command: ["sh", "-c", script] });
  assert.equal(steps.length, 2 * runs.length);
  assert.ok(mostAtOnce(steps) <= sessionStartsMax, `${mostAtOnce(steps)} at once`);
});
