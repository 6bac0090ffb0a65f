/**
 * The command lines of common agents, by `preset` of an entry of `agents`. They fill in the keys that the entry omits.
 * docs/agents.md lists the versions that they are for.
 */
import type { AgentProtocol } from "../protocol/agent.ts";
import type { AgentShape } from "./agent_schema.ts";

type Lines = Pick<AgentShape, "command" | "resume" | "session_field">;

interface Preset {
  /** By protocol; the first one is the default. */
  readonly lines: Partial<Record<AgentProtocol, Lines>>;
  readonly env: readonly string[];
}

export const agentPresets: Readonly<Record<"claude" | "codex" | "gemini" | "opencode", Preset>> = {
  claude: {
    lines: {
      acp: { command: ["claude-agent-acp"] },
      command: {
        command: ["claude", "-p", "{prompt}", "--session-id", "{session}"],
        resume: ["claude", "-p", "{prompt}", "--resume", "{session}"],
      },
      terminal: {
        command: ["claude", "--session-id", "{session}"],
        resume: ["claude", "--resume", "{session}"],
      },
    },
    env: ["ANTHROPIC_API_KEY"],
  },
  codex: {
    lines: {
      acp: { command: ["codex-acp"] },
      command: {
        command: ["codex", "exec", "--json", "-"],
        resume: ["codex", "exec", "resume", "--json", "{session}", "{prompt}"],
        session_field: "thread_id",
      },
    },
    env: ["OPENAI_API_KEY"],
  },
  gemini: { lines: { acp: { command: ["gemini", "--acp"] } }, env: ["GEMINI_API_KEY"] },
  opencode: { lines: { acp: { command: ["opencode", "acp"] } }, env: [] },
};

/** The entry, completed by its preset; the entry's own keys take precedence. */
export function withPreset(shape: Partial<AgentShape>): Partial<AgentShape> {
  const { preset: name = null, ...own } = shape;
  if (name === null) return own;
  const preset = agentPresets[name], [first] = Object.keys(preset.lines) as AgentProtocol[];
  const protocol = own.protocol ?? first, lines = own.command == null && protocol != null ? preset.lines[protocol] : {};
  const written = Object.entries(own).filter(([, value]) => value !== null && value !== undefined);
  return { env: [...preset.env], ...lines, ...Object.fromEntries(written), protocol };
}
