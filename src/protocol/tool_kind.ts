/** What tools of agents do, in the words of the Agent Client Protocol: leave is given by kinds of tools. */

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

/** `KIND`, or `KIND PATH`: a kind of tool, or `*` for every one; and a path or a glob, from where the agent works. */
export function parseToolRule(text: string): { readonly kind: ToolKind | "*"; readonly path: string | null } | null {
  const [, word = "", path = null] = /^(\S+)(?:\s+(\S.*))?$/.exec(text.trim()) ?? [];
  const kind = word === "*" ? word : toolKinds.find((each) => each === word);
  return kind === undefined ? null : { kind, path };
}
