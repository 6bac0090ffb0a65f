/** A unit has a sandboxed process of its own: a group of senses, or a workflow. */

/** `group:NAME` or `workflow:NAME`. */
export type UnitKey = `group:${string}` | `workflow:${string}`;

export interface UnitRef {
  readonly kind: "group" | "workflow";
  readonly name: string;
}

export function groupKey(group: string): UnitKey {
  return `group:${group}`;
}

export function workflowKey(workflow: string): UnitKey {
  return `workflow:${workflow}`;
}

export function parseUnitKey(key: UnitKey): UnitRef {
  const colon = key.indexOf(":");
  return { kind: key.startsWith("group:") ? "group" : "workflow", name: key.slice(colon + 1) };
}
