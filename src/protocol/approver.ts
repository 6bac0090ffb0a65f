/** Approvers: the people who may decide requests. */

/** `approvers` of nerve.yaml. Without people, every caller of the control socket may decide. */
export interface Approvers {
  /** The public keys of each person in base64 (base/ssh_key.ts). A key belongs to one person. */
  readonly people: ReadonlyMap<string, readonly string[]>;
  /** The people of each group. */
  readonly groups: ReadonlyMap<string, readonly string[]>;
}

/** The people behind these names of people and groups, in order; all people when the gate names no one. */
export function peopleOf({ people, groups }: Approvers, names: readonly string[] | null): string[] {
  if (names === null) return [...people.keys()];
  return [...new Set(names.flatMap((name) => groups.get(name) ?? (people.has(name) ? [name] : [])))];
}
