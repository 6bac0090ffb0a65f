/** Budgets of a run's agents, and how much of them is used. Pure; used by budget_enforcer.ts and kernel/budgets.ts. */
import { formatDuration } from "../base/duration.ts";
import type { AgentBudget, AgentUsage } from "../protocol/agent.ts";

export const noUsage: AgentUsage = { tokens: 0, cost: 0, timeMs: 0 };

export function addUsage(a: AgentUsage, b: AgentUsage): AgentUsage {
  return { tokens: a.tokens + b.tokens, cost: a.cost + b.cost, timeMs: a.timeMs + b.timeMs };
}

/** The first limit that is reached; null: everything is within the budget. `hard` counts before `soft`. */
export function findExcess(
  budget: AgentBudget,
  used: AgentUsage,
): { readonly level: "soft" | "hard"; readonly what: string } | null {
  for (const level of ["hard", "soft"] as const) {
    for (const key of ["tokens", "cost", "timeMs"] as const) {
      const limit = budget[key]?.[level] ?? null;
      if (limit === null || used[key] < limit) continue;
      return { level, what: `${names[key]}: ${show(key, used[key])} of ${show(key, limit)}` };
    }
  }
  return null;
}

const names = { tokens: "tokens", cost: "cost", timeMs: "time" } as const;

function show(key: keyof AgentUsage, value: number): string {
  if (key === "timeMs") return formatDuration(Math.round(value / 1_000) * 1_000);
  return key === "cost" ? value.toFixed(2) : String(value);
}
