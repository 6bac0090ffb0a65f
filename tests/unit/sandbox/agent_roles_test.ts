/** Roles that agents play, as an author wrote them: mistakes are reported when the workflow loads. */
import assert from "node:assert/strict";
import { isAgentRole, readAgentRole } from "../../../src/sandbox/agent_roles.ts";
import { readRoles } from "../../../src/sandbox/roles.ts";
import { agent, type AgentRequest } from "../../../src/sdk/agent.ts";

const setting = { agents: ["claude", "codex"], folder: "/w/" };

function read(request: unknown): string | number | null {
  const role = agent(request as AgentRequest);
  assert.ok(isAgentRole(role));
  const plan = readAgentRole("ask", role, setting);
  return plan.ok ? plan.value.timeoutMs : plan.error;
}

Deno.test("a role of an agent has an agent that its workflow may ask, and a prompt", () => {
  assert.equal(read({ agent: "claude", prompt: "x" }), null);
  assert.equal(read({ agent: () => "claude", prompt: () => "x", timeout: "30m" }), 1_800_000);
  const plans = readRoles({ ask: agent({ agent: "claude", prompt: "x" }) }, [], setting);
  assert.ok(plans.ok && plans.value.has("ask"));
  const alone = readRoles({ ask: agent({ agent: "claude", prompt: "x" }) });
  assert.match(alone.ok ? "" : alone.error, /its role ask asks the agent "claude", which .* it may ask none/);
});

Deno.test("each part that is wrong is named", () => {
  const right = { agent: "claude", prompt: "x" };
  const cases: [unknown, RegExp][] = [
    [{ prompt: "x" }, /names no agent/],
    [
      { ...right, agent: "gemini" },
      /"gemini", which nerve.yaml does not give to this workflow: it may ask claude, codex/,
    ],
    [{ agent: "claude" }, /has no prompt/],
    [{ ...right, cwd: 7 }, /has a cwd that is neither/],
    [{ ...right, persona: "../secret" }, /has a persona that is no name/],
    [{ ...right, session: "" }, /has a session that is no name/],
    [{ ...right, phase: 1 }, /has a phase that is not a text/],
    [{ ...right, attempts: 0 }, /has attempts that are no whole number from 1 to 20/],
    [{ ...right, timeout: "soon" }, /has an invalid timeout/],
    [{ ...right, retry: {} }, /has an unknown key retry: the keys are agent, persona, session/],
    [{ ...right, artifact: "out.json" }, /has an artifact that is no object/],
    [{ ...right, artifact: { path: "/etc/passwd" } }, /has an artifact.path that does not lead below cwd/],
    [{ ...right, artifact: { path: "a/../../b" } }, /has an artifact.path that does not lead below cwd/],
    [{ ...right, artifact: { path: "a", shape: {} } }, /has an unknown key artifact.shape/],
    [
      { ...right, artifact: { path: "a", schema: 7 } },
      /artifact.schema that is neither a schema of zod nor a JSON Schema/,
    ],
    [
      { ...right, artifact: { path: "a", schema: { "~standard": {} } } },
      /artifact.schema that has no function "validate"/,
    ],
  ];
  for (const [request, wanted] of cases) assert.match(String(read(request)), wanted);
});
