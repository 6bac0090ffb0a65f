/** What a row of the log may be about. Without zod: the command line loads it at each start. */

/** The subjects with a name; `kernel` has none. */
export const sourceKinds = ["group", "sense", "workflow", "alert", "hook"] as const;
/** The subject of a row. */
export type LogSource = "kernel" | `${(typeof sourceKinds)[number]}:${string}`;

/** For help and hints: `kernel, group:NAME, ... or hook:NAME`. */
export const sourceForms = ["kernel", ...sourceKinds.map((kind) => `${kind}:NAME`)].join(", ")
  .replace(/, (?=\S+$)/, " or ");

export function isLogSource(text: string): text is LogSource {
  return text === "kernel" || sourceKinds.some((kind) => text.startsWith(`${kind}:`) && text.length > kind.length + 1);
}
