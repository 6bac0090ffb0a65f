/** Compares two configurations, for the log and to find the processes to replace. Pure; used by config_applier.ts. */
import { isDeepEqual } from "../base/deep_equal.ts";
import type { NerveConfig } from "../config/types.ts";
import type { UnitPlan } from "../process/ports.ts";
import type { ReloadChange } from "../protocol/api.ts";

/** The changes in the order of nerve.yaml, removed entries last. A sense includes its reflexes. */
export function diffConfigs(before: NerveConfig, after: NerveConfig): ReloadChange[] {
  const changes: ReloadChange[] = [];
  const compare = (
    kind: "sense" | "workflow" | "alert" | "hook" | "agent",
    old: ReadonlyMap<string, unknown>,
    now: ReadonlyMap<string, unknown>,
  ) => {
    for (const [name, value] of now) {
      if (!old.has(name)) changes.push({ of: `${kind}:${name}`, change: "added" });
      else if (!isDeepEqual(old.get(name), value)) changes.push({ of: `${kind}:${name}`, change: "changed" });
    }
    for (const name of old.keys()) if (!now.has(name)) changes.push({ of: `${kind}:${name}`, change: "removed" });
  };
  compare("sense", groupReflexesBySense(before), groupReflexesBySense(after));
  compare("workflow", before.workflows, after.workflows);
  compare("alert", before.alerts, after.alerts);
  compare("agent", before.agents, after.agents);
  compare("hook", before.hooks, after.hooks);
  for (const key of ["approvers", "approvals", "listen"] as const) {
    if (!isDeepEqual(before[key], after[key])) changes.push({ of: key, change: "changed" });
  }
  if (before.retentionMs !== after.retentionMs) changes.push({ of: "kernel", change: "changed" });
  return changes;
}

/** Whether a sense, a workflow, a reflex, an alert or a hook is removed. */
export function removesEntries(before: NerveConfig, after: NerveConfig): boolean {
  return after.reflexes.length < before.reflexes.length ||
    [...before.senses.keys()].some((name) => !after.senses.has(name)) ||
    [...before.workflows.keys()].some((name) => !after.workflows.has(name)) ||
    [...before.alerts.keys()].some((name) => !after.alerts.has(name)) ||
    [...before.hooks.keys()].some((name) => !after.hooks.has(name));
}

function groupReflexesBySense(config: NerveConfig): Map<string, unknown> {
  const senses = new Map<string, unknown[]>([...config.senses].map(([name, sense]) => [name, [sense]]));
  for (const reflex of config.reflexes) senses.get(reflex.sense)?.push(reflex);
  return senses;
}

/**
 * Whether a process that was started for `a` may continue under `b`. It gets the names of all senses by message
 * (`senses` in protocol/message.ts), and the order of entries in nerve.yaml does not matter to it.
 */
export function isSameDefinition(a: UnitPlan, b: UnitPlan): boolean {
  return isDeepEqual(definitionOf(a), definitionOf(b));
}

function definitionOf({ spec, request, blocked }: UnitPlan): unknown {
  const senses = [...spec.senses].sort((a, b) => a.name < b.name ? -1 : 1);
  return {
    ...spec,
    permissions: sortGrants(spec.permissions),
    modules: sortGrants(spec.modules),
    senses,
    allSenses: null,
    // What others may write is checked when a process starts.
    request: { ...sortGrants(request), disk: request.disk === null ? null : sortGrants(request.disk), grants: null },
    blocked,
  };
}

/** The grants, independent of the order in which they were requested. */
function sortGrants(grants: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(grants).map(([name, granted]) => [name, Array.isArray(granted) ? [...granted].sort() : granted]),
  );
}
