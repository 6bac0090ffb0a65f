/** The prompt as agents read it. Pure; used by the adapters whose protocol has no place for an artifact of its own. */
import type { PromptEnvelope } from "../protocol/agent.ts";

export function formatPrompt({ instructions, expectedArtifact, expectedSchema }: PromptEnvelope): string {
  if (expectedArtifact === null) return instructions;
  const { name, json } = expectedSchema, what = name === null ? "" : ` (${name})`;
  const shape = json === null ? "" : ` It must fit this JSON Schema:\n\n${json}`;
  return `${instructions}\n\nWrite your answer as JSON to this file${what}, all of it: ${expectedArtifact}.${shape}\n`;
}
