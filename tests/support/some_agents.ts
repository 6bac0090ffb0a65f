/** Agents of a valid nerve.yaml, and how a user would write them. */
import type { WorkflowConfig } from "../../src/config/types.ts";
import { type AgentDefinition, noBudget } from "../../src/protocol/agent.ts";

const named = (name: string, more: Partial<AgentDefinition>): [string, AgentDefinition] => {
  const plain = {
    protocol: "command",
    resume: null,
    sessionField: null,
    allow: [],
    ask: [],
    deny: [],
    env: [],
    maxSessions: 2,
  } as const;
  const held = { budget: noBudget, confined: true, read: [], ready: null, idleMs: 3_000, scenario: null };
  return [name, { name, command: [name, "{prompt}"], ...plain, ...held, ...more }];
};

export const someAgents: ReadonlyMap<string, AgentDefinition> = new Map([
  named("open", {
    budget: { tokens: { soft: 5, hard: null }, cost: { soft: 0.5, hard: 2 }, timeMs: { soft: null, hard: 90_000 } },
    confined: false,
  }),
  named("claude", {
    read: ["/srv/x"],
    resume: ["claude", "{session}"],
    sessionField: "id",
    env: ["KEY"],
    maxSessions: 50,
  }),
  named("10", { protocol: "acp", allow: ["read", "edit"], ask: ["* src/**"], deny: ["execute"] }),
  named("seen", { protocol: "terminal", resume: ["seen", "{session}"], ready: "^> ", idleMs: 1_000 }),
  named("fake", { protocol: "fake", command: [], scenario: "demo.yaml" }),
  named("lines", { protocol: "fake", command: [], scenario: [{ when: { role: "a" }, do: [{ answer: "x" }] }] }),
]);

/** The agent as a user would write it, with every key given. */
export function writtenAgent(item: AgentDefinition): Record<string, unknown> {
  const { protocol, scenario } = item;
  if (protocol === "fake") return { protocol, scenario, max_sessions: item.maxSessions };
  return {
    protocol,
    command: item.command,
    resume: item.resume,
    session_field: item.sessionField,
    permissions: protocol === "acp" ? { allow: item.allow, ask: item.ask, deny: item.deny } : null,
    ...protocol === "terminal" && { ready: item.ready, idle: `${item.idleMs}ms` },
    budget: item.budget === noBudget ? null : {
      ...{ tokens: item.budget.tokens, cost: item.budget.cost },
      time: { soft: null, hard: `${item.budget.timeMs?.hard}ms` },
    },
    env: item.env,
    max_sessions: item.maxSessions,
    read: item.read,
    confine: item.confined ? null : "none",
  };
}

/** Workflows by name, in a form to compare as JSON. */
export function withPlainAgents(workflows: ReadonlyMap<string, WorkflowConfig>): Record<string, unknown> {
  return Object.fromEntries([...workflows].map(([name, flow]) => [name, { ...flow, agents: [...flow.agents] }]));
}
