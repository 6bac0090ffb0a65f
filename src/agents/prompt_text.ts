/** The prompt as agents read it. Pure; used by the adapters, whose protocols have no field for an artifact. */
import { threadTextMaxChars } from "../base/agent_limits.ts";
import type { PromptEnvelope } from "../protocol/agent.ts";
import type { RunMessage } from "../protocol/run.ts";

export function formatPrompt({ instructions, expectedArtifact, expectedSchema }: PromptEnvelope): string {
  if (expectedArtifact === null) return instructions;
  const { name, json } = expectedSchema, what = name === null ? "" : ` (${name})`;
  const shape = json === null ? "" : ` It must fit this JSON Schema:\n\n${json}`;
  return `${instructions}\n\nWrite your answer as JSON to this file${what}, all of it: ${expectedArtifact}.${shape}\n`;
}

/** The text that introduces a session that replaces a lost one: the newest messages, as far as they fit. */
export function formatThread(messages: Iterable<RunMessage>): string {
  let text = "";
  for (const { role, content } of messages) text = `${text}## ${role}\n\n${content}\n\n`.slice(-threadTextMaxChars);
  const before = "You take over from a conversation that was lost. What came before:\n\n";
  return text === "" ? "" : `${before}${text}# Now\n\n`;
}
