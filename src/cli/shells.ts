/** The shells that `nerve completions` writes a script for. */

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

export function parseShell(text: string): Shell {
  const found = shells.find((name) => name === text);
  if (found === undefined) throw new SyntaxError(`there are completions for ${shells.join(", ")}, not for "${text}"`);
  return found;
}
