/**
 * Whether an agent that asks leave for a tool gets it: by the rules of nerve.yaml, for what the agent says of the tool. Pure
 * but for `askPerson`. Used by session_opener.ts.
 * I1. `deny` counts before `ask`, and `ask` before `allow`; what no rule names is refused.
 * I2. A rule with a path allows only what names paths, and all of them; it refuses, or asks, for any of them.
 */
import { resolve } from "node:path";
import { leavesOpenMax } from "../base/agent_limits.ts";
import { matchesPattern, parsePathPattern } from "../base/path_pattern.ts";
import type { AgentDefinition } from "../protocol/agent.ts";
import { parseToolRule } from "../protocol/tool_kind.ts";

/** What an agent wants to do, as it says. */
export interface ToolRequest {
  readonly kind: string;
  readonly title: string;
  readonly paths: readonly string[];
  /** Markdown: what it is about. */
  readonly detail: string;
}

type Rules = Pick<AgentDefinition, "allow" | "ask" | "deny">;
type Place = { readonly cwd: string; readonly home: string | null };

export function judgeToolRequest(
  { allow, ask, deny }: Rules,
  asked: ToolRequest,
  place: Place,
): "allow" | "ask" | "deny" {
  const paths = asked.paths.map((path) => resolve(place.cwd, path));
  const fits = (rules: readonly string[], all: boolean) =>
    rules.some((rule) => isOf(rule, asked.kind, paths, all, place));
  if (fits(deny, false)) return "deny";
  return fits(ask, false) ? "ask" : fits(allow, true) ? "allow" : "deny";
}

function isOf(text: string, kind: string, paths: readonly string[], all: boolean, { cwd, home }: Place): boolean {
  const rule = parseToolRule(text);
  if (rule === null || (rule.kind !== "*" && rule.kind !== kind)) return false;
  if (rule.path === null) return true;
  const pattern = parsePathPattern(rule.path, cwd, home);
  if (!pattern.ok) return false;
  const isBelow = (path: string) => matchesPattern(pattern.value, path);
  return all ? paths.length > 0 && paths.every(isBelow) : paths.some(isBelow);
}

/** For one session: true, it may. Not more than `leavesOpenMax` wait for a person at a time; further ones are refused. */
export class ToolPermissions {
  readonly #rules: Rules;
  readonly #place: Place;
  readonly #askPerson: (asked: ToolRequest, signal: AbortSignal) => Promise<boolean>;
  #open = 0;

  constructor(rules: Rules, place: Place, askPerson: (asked: ToolRequest, signal: AbortSignal) => Promise<boolean>) {
    this.#rules = rules;
    this.#place = place;
    this.#askPerson = askPerson;
  }

  /** `signal`: nobody waits for the answer any more. */
  async decide(asked: ToolRequest, signal: AbortSignal): Promise<boolean> {
    const verdict = judgeToolRequest(this.#rules, asked, this.#place);
    if (verdict !== "ask") return verdict === "allow";
    if (this.#open >= leavesOpenMax || signal.aborted) return false;
    this.#open++;
    try {
      return await this.#askPerson(asked, signal);
    } finally {
      this.#open--;
    }
  }
}
