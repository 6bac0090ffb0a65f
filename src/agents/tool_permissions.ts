/**
 * Decides whether an agent may use a tool, by the rules of nerve.yaml and the agent's own description of the tool. Pure
 * except for `askPerson`. Used by session_opener.ts.
 * I1. `deny` counts before `ask`, and `ask` before `allow`; a request that no rule matches is refused.
 * I2. A rule with a path allows only requests that name paths, all of them matching; it refuses, or asks, if any of
 *     them matches.
 */
import { resolve } from "node:path";
import { leavesOpenMax } from "../base/agent_limits.ts";
import { matchesPattern, parsePathPattern } from "../base/path_pattern.ts";
import type { AgentDefinition } from "../protocol/agent.ts";
import { parseToolRule } from "../protocol/tool_kind.ts";

/** What an agent wants to do, in its own description. */
export interface ToolRequest {
  readonly kind: string;
  readonly title: string;
  readonly paths: readonly string[];
  /** Markdown: the details. */
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

/** The permissions of one session. At most `leavesOpenMax` requests wait for a person; further ones are refused. */
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

  /** True: the agent may use the tool. `signal` aborts when the answer is no longer needed. */
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
