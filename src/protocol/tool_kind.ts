/** The kinds of agents' tools, as the Agent Client Protocol names them: leave is granted by kind. */

export const toolKinds = [
  "read",
  "edit",
  "delete",
  "move",
  "search",
  "execute",
  "think",
  "fetch",
  "switch_mode",
  "other",
] as const;
export type ToolKind = (typeof toolKinds)[number];

/** Parses `KIND` or `KIND PATH`: a kind of tool, or `*` for all; and a path or glob, relative to the agent's folder. */
export function parseToolRule(text: string): { readonly kind: ToolKind | "*"; readonly path: string | null } | null {
  const [, word = "", path = null] = /^(\S+)(?:\s+(\S.*))?$/.exec(text.trim()) ?? [];
  const kind = word === "*" ? word : toolKinds.find((each) => each === word);
  return kind === undefined ? null : { kind, path };
}
