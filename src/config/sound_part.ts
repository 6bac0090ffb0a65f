/** The entries of a wrong configuration that nothing is wrong with: they can be looked at further. Pure; used by load.ts. */
import { namePattern } from "../protocol/signal.ts";
import type { Problem } from "./diagnostic.ts";
import { groupMembers, type NerveConfig } from "./types.ts";

/**
 * Without each sense, group and workflow that an error is about, and without the siblings of such a sense: they share
 * its process and its permissions. Null when an error is about a whole section, or nothing is left.
 */
export function validEntries(config: NerveConfig, problems: readonly Problem[]): NerveConfig | null {
  const wrong = new Set<string>();
  for (const { severity, path } of problems) {
    if (severity !== "error") continue;
    if (path === "senses" || path === "groups" || path === "workflows") return null;
    wrong.add(/^\w+\.[^.[]+/.exec(path)?.[0] ?? "");
  }
  const sound = (section: string, name: string) => namePattern.test(name) && !wrong.has(`${section}.${name}`);
  const together = (group: string) =>
    sound("groups", group) && groupMembers(config, group).every(({ name }) => sound("senses", name));
  const groups = new Map([...config.groups].filter(([name]) => together(name)));
  const senses = new Map([...config.senses].filter(([, { group }]) => groups.has(group)));
  const workflows = new Map([...config.workflows].filter(([name]) => sound("workflows", name)));
  return senses.size + workflows.size === 0 ? null : { ...config, senses, groups, workflows };
}
