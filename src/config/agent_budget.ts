/** Reads the `budget` of an agent and checks the rules between its limits. Called by agent_entries.ts. */
import { parseDuration } from "../base/duration.ts";
import type { AgentBudget, BudgetLimit } from "../protocol/agent.ts";
import type { AgentShape } from "./agent_schema.ts";
import type { ConfigPath } from "./diagnostic.ts";
import type { DiagnosticList } from "./diagnostic_list.ts";

type Written<Value> =
  | Value
  | { readonly soft?: Value | null | undefined; readonly hard?: Value | null | undefined }
  | null
  | undefined;

export function buildBudget(shape: AgentShape["budget"], path: ConfigPath, diagnostics: DiagnosticList): AgentBudget {
  const { tokens, cost, time } = shape ?? {};
  const toMs = (text: string, at: ConfigPath): number | null => {
    const parsed = parseDuration(text);
    if (parsed.ok) return parsed.value;
    diagnostics.error(at, parsed.error, "write 30m");
    return null;
  };
  const same = (value: number) => value;
  const read = <Value extends string | number>(
    key: string,
    written: Written<Value>,
    toNumber: (value: Value, at: ConfigPath) => number | null,
  ): BudgetLimit | null => {
    if (written === null || written === undefined) return null;
    const at = [...path, key], given = typeof written === "object" ? written : { hard: written };
    const limit = (name: "soft" | "hard") => {
      const value = given[name] ?? null;
      return value === null ? null : toNumber(value, typeof written === "object" ? [...at, name] : at);
    };
    const soft = limit("soft"), hard = limit("hard");
    if (soft !== null && hard !== null && soft >= hard) {
      diagnostics.error([...at, "soft"], "soft is not below hard: nobody would be asked", "lower it");
    }
    return { soft, hard };
  };
  return { tokens: read("tokens", tokens, same), cost: read("cost", cost, same), timeMs: read("time", time, toMs) };
}
