/** The shape of an entry of `agents` in nerve.yaml, as users write it. Part of schema.ts; agent_entries.ts has its rules. */
import * as z from "zod";
import { agentSessionsMax, agentWordMaxChars, agentWordsMax, terminalIdleMinMs } from "../base/agent_limits.ts";
import { agentProtocols } from "../protocol/agent.ts";
import { scenarioSchema } from "../protocol/scenario.ts";
import { duration, textOr } from "./schema_parts.ts";

const commandLine = z.array(z.string().max(agentWordMaxChars)).min(1).max(agentWordsMax).nullish();

const rules = z.array(z.string()).nullish();

export const agentEntry = z.strictObject({
  /** agent_entries.ts says which keys are required. */
  protocol: z.enum(agentProtocols).nullish(),
  command: commandLine,
  resume: commandLine,
  session_field: z.string().nullish(),
  permissions: z.strictObject({ allow: rules, ask: rules, deny: rules }).nullish(),
  env: z.array(z.string()).nullish(),
  max_sessions: z.int().min(1).max(agentSessionsMax).nullish(),
  read: z.array(z.string()).nullish(),
  confine: z.enum(["none"]).nullish(),
  ready: z.string().nullish(),
  idle: duration(terminalIdleMinMs),
  scenario: textOr(scenarioSchema, "must be a file or a list", "write scenario: demo.yaml, or what would be in it"),
});

export type AgentShape = z.infer<typeof agentEntry>;
