/**
 * Compares `approvers` with nerve.permissions.lock: who may decide, as the user has agreed. Otherwise anyone who may
 * write nerve.yaml, such as an agent in the workspace, could add its own key. Pure; used by lock_file.ts and
 * lock_binding.ts.
 * I1. Fewer keys and people are fine, as long as someone is left: without people, anyone who reaches the control socket
 *     may decide, and that is more.
 * I2. A lock without `approvers` agrees to any: it was written when everyone could decide, or by an older nerve.
 */
import * as z from "zod";
import type { Approvers } from "../../protocol/approver.ts";
import { type ConfigPath, quote } from "../diagnostic.ts";

const named = z.record(z.string(), z.array(z.string()));
/** Public keys by person, and people by group. */
export const lockedApproversSchema = z.strictObject({ people: named, groups: named });
export type LockedApprovers = Readonly<
  Record<"people" | "groups", Readonly<Record<string, readonly string[]>>>
>;

/** A right to decide that was not agreed to. */
export interface ApproverGrowth {
  /** A person or group; null: everyone. */
  readonly name: string | null;
  readonly what: "key" | "member" | "everybody";
  readonly values: readonly string[];
  readonly path: ConfigPath;
}

/** The entry for the lock; undefined when nerve.yaml names no one. */
export function lockApprovers({ people, groups }: Approvers): LockedApprovers | undefined {
  if (people.size === 0) return undefined;
  const sorted = (entries: Approvers["people"]) =>
    Object.fromEntries([...entries].sort(([a], [b]) => a < b ? -1 : 1).map(([name, each]) => [name, [...each].sort()]));
  return { people: sorted(people), groups: sorted(groups) };
}

/** The approvers while nerve.yaml names more than was agreed to: those of the lock, or no one at all. */
export function unlockApprovers({ people, groups }: LockedApprovers, wanted: Approvers): Approvers {
  const found = Object.entries(people);
  if (found.length > 0) return { people: new Map(found), groups: new Map(Object.entries(groups)) };
  return { people: new Map([...wanted.people.keys()].map((name) => [name, []])), groups: wanted.groups };
}

/** What `now` adds to `agreed`; nothing when nothing was agreed to. */
export function findApproverGrowth(
  agreed: LockedApprovers | undefined,
  now: LockedApprovers | undefined,
): ApproverGrowth[] {
  if (agreed === undefined) return [];
  if (now === undefined) {
    const isMore = Object.keys(agreed.people).length > 0;
    return isMore ? [{ name: null, what: "everybody", values: [], path: ["approvers"] }] : [];
  }
  return (["people", "groups"] as const).flatMap((kind) =>
    Object.entries(now[kind]).flatMap(([name, values]): ApproverGrowth[] => {
      const old = Object.hasOwn(agreed[kind], name) ? agreed[kind][name] ?? [] : [];
      const more = values.filter((value) => !old.includes(value));
      const what = kind === "people" ? "key" : "member";
      return more.length === 0 ? [] : [{ name, what, values: more, path: ["approvers", name] }];
    })
  );
}

export function formatApproverGrowth({ name, what, values }: ApproverGrowth): string {
  if (name === null) return "everyone may decide, since no one is named";
  if (what === "member") return `${values.map(quote).join(", ")} in the group ${quote(name)}`;
  return `${values.length === 1 ? "a key" : `${values.length} keys`} of ${quote(name)}`;
}
