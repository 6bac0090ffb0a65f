/** Who may decide requests. */

/** `approvers` of nerve.yaml. Without people, whoever reaches the control socket decides. */
export interface Approvers {
  /** The public keys of each person in base64 (base/ssh_key.ts). A key is of one person. */
  readonly people: ReadonlyMap<string, readonly string[]>;
  /** The people of each group. */
  readonly groups: ReadonlyMap<string, readonly string[]>;
}

/** The people whom these names of people and groups mean, in order; all, where a gate names nobody. */
export function peopleOf({ people, groups }: Approvers, names: readonly string[] | null): string[] {
  if (names === null) return [...people.keys()];
  return [...new Set(names.flatMap((name) => groups.get(name) ?? (people.has(name) ? [name] : [])))];
}
