/** The shape of an entry of `agents` in nerve.yaml, as users write it. Part of schema.ts; agent_entries.ts has its rules. */
import * as z from "zod";
import { agentSessionsMax, agentWordMaxChars, agentWordsMax, terminalIdleMinMs } from "../base/agent_limits.ts";
import { agentProtocols } from "../protocol/agent.ts";
import { scenarioSchema } from "../protocol/scenario.ts";
import { duration, textOr } from "./schema_parts.ts";

const commandLine = z.array(z.string().max(agentWordMaxChars)).min(1).max(agentWordsMax).nullish();

/** A number is the hard limit. Of time: a duration. */
const amount = z.union([
  z.number().positive(),
  z.strictObject({ soft: z.number().positive().nullish(), hard: z.number().positive().nullish() }),
]).nullish();
const span = z.union([z.string(), z.strictObject({ soft: z.string().nullish(), hard: z.string().nullish() })])
  .nullish();

const rules = z.array(z.string()).nullish();

export const agentEntry = z.strictObject({
  /** agent_entries.ts says which keys are required. */
  preset: z.enum(["claude", "codex", "gemini", "opencode"]).nullish(),
  protocol: z.enum(agentProtocols).nullish(),
  command: commandLine,
  resume: commandLine,
  session_field: z.string().nullish(),
  permissions: z.strictObject({ allow: rules, ask: rules, deny: rules }).nullish(),
  budget: z.strictObject({ tokens: amount, cost: amount, time: span }).nullish(),
  env: z.array(z.string()).nullish(),
  max_sessions: z.int().min(1).max(agentSessionsMax).nullish(),
  read: z.array(z.string()).nullish(),
  confine: z.enum(["none"]).nullish(),
  ready: z.string().nullish(),
  idle: duration(terminalIdleMinMs),
  scenario: textOr(scenarioSchema, "must be a file or a list", "write scenario: demo.yaml, or what would be in it"),
});

export type AgentShape = z.infer<typeof agentEntry>;
