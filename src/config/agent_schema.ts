/** The shape of an entry of `agents` in nerve.yaml. Part of schema.ts; agent_entries.ts has its rules. */
import * as z from "zod";
import { agentSessionsMax, agentWordMaxChars, agentWordsMax, terminalIdleMinMs } from "../base/agent_limits.ts";
import { agentProtocols } from "../protocol/agent.ts";
import { scenarioSchema } from "../protocol/scenario.ts";
import { duration, textOr } from "./schema_parts.ts";

const commandLine = z.array(z.string().max(agentWordMaxChars)).min(1).max(agentWordsMax).nullish();

/** A bare amount is the hard limit. */
function budgetOf<Amount extends z.ZodType>(amount: Amount, what: string) {
  const both = z.strictObject({
    soft: amount.nullish().describe("At this a person is asked. Default: none."),
    hard: amount.nullish().describe("At this the run is paused. Default: none."),
  });
  return z.union([amount, both]).nullish().describe(`${what} Default: without a limit.`);
}
const budget = z.strictObject({
  tokens: budgetOf(z.number().positive(), "How many tokens."),
  cost: budgetOf(z.number().positive(), "In the currency in which the agent tells it."),
  time: budgetOf(z.string(), "How long it may work, such as 2h."),
});

const rules = z.array(z.string()).nullish();

export const agentEntry = z.strictObject({
  /** agent_entries.ts checks which keys are required. */
  preset: z.enum(["claude", "codex", "gemini", "opencode"]).nullish(),
  protocol: z.enum(agentProtocols).nullish(),
  command: commandLine,
  resume: commandLine,
  session_field: z.string().nullish(),
  permissions: z.strictObject({ allow: rules, ask: rules, deny: rules }).nullish(),
  budget: budget.nullish(),
  env: z.array(z.string()).nullish(),
  max_sessions: z.int().min(1).max(agentSessionsMax).nullish(),
  read: z.array(z.string()).nullish(),
  confine: z.enum(["none"]).nullish(),
  ready: z.string().nullish(),
  idle: duration(terminalIdleMinMs),
  scenario: textOr(scenarioSchema, "must be a file or a list", "write scenario: demo.yaml, or what would be in it"),
});

export type AgentShape = z.infer<typeof agentEntry>;
