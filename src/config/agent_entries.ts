/** Builds an entry of `agents` in nerve.yaml: sets defaults, checks the rules between its keys. Called by build.ts. */
import { defaultAgentSessions, defaultTerminalIdleMs } from "../base/agent_limits.ts";
import { hintNearest } from "../base/did_you_mean.ts";
import { messageOf } from "../base/errors.ts";
import { parsePathPattern } from "../base/path_pattern.ts";
import { agentProtocols, noBudget } from "../protocol/agent.ts";
import type { AgentDefinition, AgentProtocol } from "../protocol/agent.ts";
import { parseToolRule, toolKinds } from "../protocol/tool_kind.ts";
import { buildBudget } from "./agent_budget.ts";
import { type ConfigPath, quote } from "./diagnostic.ts";
import type { DiagnosticList } from "./diagnostic_list.ts";
import { withPreset } from "./agent_presets.ts";
import type { AgentShape } from "./agent_schema.ts";

const variablePattern = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** The variables that nerve itself sets. */
const ownVariables: readonly string[] = ["HOME", "PATH"];

/** The agents that exist without an entry. */
export const standardAgents: ReadonlyMap<string, AgentDefinition> = new Map([["fake", {
  ...{ name: "fake", protocol: "fake", command: [], resume: null, sessionField: null, allow: [], ask: [], deny: [] },
  ...{ budget: noBudget, confined: true, read: [], env: [], maxSessions: defaultAgentSessions },
  ...{ ready: null, idleMs: defaultTerminalIdleMs, scenario: null },
}]]);

export function buildAgent(name: string, written: Partial<AgentShape>, diagnostics: DiagnosticList): AgentDefinition {
  const shape = withPreset(written);
  const path = ["agents", name], command = shape.command ?? [], resume = shape.resume ?? null;
  const missing = (key: string, hint: string) => diagnostics.error(path, `the key ${quote(key)} is missing`, hint);
  if ((shape.protocol ?? null) === null) {
    missing("protocol", `write protocol: ${agentProtocols.join(", ")}; or preset: claude`);
  }
  if (command.length === 0 && shape.protocol !== "fake") {
    missing("command", 'name its program and arguments: [claude, -p, "{prompt}"]');
  }
  const confined = (shape.confine ?? null) === null, read = shape.read ?? [];
  if (!confined) {
    const message = "confine: none opens the sandbox: this agent may do all that you may";
    diagnostics.warning([...path, "confine"], message, "give it only to workflows that need it");
    if (read.length > 0) {
      diagnostics.error([...path, "read"], "read has no effect with confine: none", "remove one of both");
    }
  }
  checkRead(read, [...path, "read"], diagnostics);
  checkConversation(shape, path, diagnostics);
  checkReady(shape.ready ?? null, [...path, "ready"], diagnostics);
  for (const key of ["allow", "ask", "deny"] as const) {
    checkRules(shape.permissions?.[key] ?? [], [...path, "permissions", key], diagnostics);
  }
  checkVariables(shape.env ?? [], [...path, "env"], diagnostics);
  return {
    name,
    protocol: shape.protocol ?? "command",
    command,
    resume,
    sessionField: shape.session_field ?? null,
    allow: [...new Set(shape.permissions?.allow ?? [])],
    ask: [...new Set(shape.permissions?.ask ?? [])],
    deny: [...new Set(shape.permissions?.deny ?? [])],
    budget: buildBudget(shape.budget, [...path, "budget"], diagnostics),
    confined,
    read: [...new Set(read)],
    env: [...new Set(shape.env ?? [])],
    maxSessions: shape.max_sessions ?? defaultAgentSessions,
    ready: shape.ready ?? null,
    idleMs: shape.idle ?? defaultTerminalIdleMs,
    scenario: shape.scenario ?? null,
  };
}

/** The keys that have no effect with a protocol, and why. */
const uselessKeys: Readonly<
  Record<AgentProtocol, { readonly keys: readonly (keyof AgentShape)[]; readonly why: string }>
> = {
  acp: {
    keys: ["resume", "session_field", "ready", "idle", "scenario"],
    why: "the protocol itself goes on with conversations, and tells when an answer is over",
  },
  command: {
    keys: ["permissions", "ready", "idle", "scenario"],
    why: "such a program asks nobody; its own flags say what it may do",
  },
  terminal: {
    keys: ["permissions", "session_field", "scenario"],
    why: "nerve sees only the screen of such a program; its own flags say what it may do",
  },
  fake: {
    keys: ["command", "resume", "session_field", "env", "read", "confine", "ready", "idle"],
    why: "a scripted agent is nerve itself, and does what its scenario says",
  },
};

/** Refuses keys without any effect: the author of such a key expects one. */
function checkConversation(shape: Partial<AgentShape>, path: ConfigPath, diagnostics: DiagnosticList): void {
  const { protocol = null } = shape, resume = shape.resume ?? null;
  if (protocol === null) return;
  const { keys, why } = uselessKeys[protocol];
  for (const key of keys) {
    if ((shape[key] ?? null) === null) continue;
    diagnostics.error([...path, key], `${key} has no effect with protocol: ${protocol}`, `remove it: ${why}`);
  }
  if (keys.includes("resume")) return;
  if (resume === null && protocol === "command" && (shape.session_field ?? null) !== null) {
    const message = "session_field has no effect without resume";
    diagnostics.error([...path, "session_field"], message, "remove it, or add resume");
  }
  if (resume !== null && !resume.some((word) => word.includes("{session}"))) {
    diagnostics.error([...path, "resume"], "does not say which conversation goes on", 'write "{session}" into it');
  }
}

function checkReady(text: string | null, path: ConfigPath, diagnostics: DiagnosticList): void {
  if (text === null) return;
  try {
    new RegExp(text);
  } catch (thrown) {
    diagnostics.error(
      path,
      `is no regular expression: ${messageOf(thrown)}`,
      "write what the last line looks like: '^> '",
    );
  }
}

/** Warns of a path above /proc/1: it exposes the daemon's environment. */
function checkRead(paths: readonly string[], path: ConfigPath, diagnostics: DiagnosticList): void {
  paths.forEach((each, at) => {
    if (each === "") diagnostics.error([...path, at], "is no path", "name a file or a folder");
    else if (/^\/(?:proc)?\/*$/.test(each)) {
      const message = `read of ${
        quote(each)
      } opens the environment of all your processes, the daemon's too, to this agent`;
      diagnostics.warning([...path, at], message, "name the folders that it needs");
    }
  });
}

function checkRules(rules: readonly string[], path: ConfigPath, diagnostics: DiagnosticList): void {
  rules.forEach((text, at) => {
    const rule = parseToolRule(text);
    if (rule === null) {
      const hint = () =>
        hintNearest(text.split(/\s/)[0] ?? "", toolKinds) ?? `the kinds are ${toolKinds.join(", ")}, and *`;
      return diagnostics.error([...path, at], `${quote(text)} is no rule: a kind of tool, and perhaps a path`, hint);
    }
    const pattern = rule.path === null ? null : parsePathPattern(rule.path, "/", "/");
    if (pattern !== null && !pattern.ok) {
      diagnostics.error([...path, at], `its path ${pattern.error}`, "write edit src/**");
    }
  });
}

function checkVariables(names: readonly string[], path: ConfigPath, diagnostics: DiagnosticList): void {
  names.forEach((name, at) => {
    if (!variablePattern.test(name)) {
      diagnostics.error(
        [...path, at],
        `${quote(name)} is not the name of a variable`,
        "write its name only, as in API_KEY",
      );
    } else if (ownVariables.includes(name)) {
      diagnostics.error([...path, at], `${name} is set by nerve itself`, "remove it");
    }
  });
}
