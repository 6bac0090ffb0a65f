/** Checks the agents that workflows may ask. Pure; called by parse.ts. */
import { hintNearest } from "../base/did_you_mean.ts";
import { unknownText } from "../protocol/common_errors.ts";
import { standardAgents } from "./agent_entries.ts";
import { clipText } from "./diagnostic.ts";
import type { DiagnosticList } from "./diagnostic_list.ts";
import type { NerveConfig } from "./types.ts";

export function checkAgents({ agents, workflows }: NerveConfig, diagnostics: DiagnosticList): void {
  const granted = new Set<string>();
  for (const { name, agents: named, engine } of workflows.values()) {
    if (engine !== null && named.size > 0) {
      const hint = "remove engine, or let a workflow without one ask the agent";
      diagnostics.error(
        ["workflows", name, "agents"],
        "sessions of agents are of one machine, and engine is not",
        hint,
      );
    }
    [...named].forEach(([agent, definition], at) => {
      granted.add(agent);
      if (definition !== null) return;
      const path = ["workflows", name, "agents", at];
      diagnostics.error(
        path,
        unknownText("agent", clipText(agent)),
        () => hintNearest(agent, [...agents.keys(), ...standardAgents.keys()]),
      );
    });
  }
  for (const name of agents.keys()) {
    if (granted.has(name)) continue;
    diagnostics.warning(["agents", name], "no workflow may ask it", `give one of them agents: [${name}]`);
  }
}
