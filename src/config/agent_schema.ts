/** The shape of an entry of `agents` in nerve.yaml, as users write it. Part of schema.ts; agent_entries.ts has its rules. */
import * as z from "zod";
import { agentSessionsMax, agentWordMaxChars, agentWordsMax } from "../base/agent_limits.ts";
import { agentProtocols } from "../protocol/agent.ts";

const commandLine = z.array(z.string().max(agentWordMaxChars)).min(1).max(agentWordsMax).nullish();

const rules = z.array(z.string()).nullish();

export const agentEntry = z.strictObject({
  /** Required, as is `command`; agent_entries.ts says so. */
  protocol: z.enum(agentProtocols).nullish(),
  command: commandLine,
  resume: commandLine,
  session_field: z.string().nullish(),
  permissions: z.strictObject({ allow: rules, ask: rules, deny: rules }).nullish(),
  env: z.array(z.string()).nullish(),
  max_sessions: z.int().min(1).max(agentSessionsMax).nullish(),
  read: z.array(z.string()).nullish(),
  confine: z.enum(["none"]).nullish(),
});

export type AgentShape = z.infer<typeof agentEntry>;
