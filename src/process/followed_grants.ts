/**
 * Resolves the paths of a unit's grants when its process starts. A link on the way that a unit's program may have made
 * is not followed (base/granted_path.ts): it would give the process access to the link's target, past both layers of
 * the sandbox. Used by launcher.ts.
 * I1. Landlock's rules apply to the targets of the checked paths, which are opened without following any link that came
 *     meanwhile.
 * I2. Grants below the folder of a unit, or that are nerve's own, are checked; the system's own paths are taken as they
 *     are.
 */
import { dirname } from "node:path";
import { NerveError } from "../base/errors.ts";
import { type ChangeableFolders, findChangeable, type GrantedPath, resolveGrantedPath } from "../base/granted_path.ts";
import type { LandlockRules } from "../base/landlock.ts";
import type { SandboxPermissions } from "../protocol/confinement.ts";
import type { LandlockRule } from "./landlock_rules.ts";

/** The grants of a unit to check, and what they are checked against. */
export interface JudgedGrants {
  /** The paths that the unit declares. */
  readonly granted: readonly string[];
  /** The folders that any unit may write. */
  readonly changeable: ChangeableFolders;
}

/** The target of each granted path. Throws GRANT_REPLACED. */
export function followGrants({ granted, changeable }: JudgedGrants): ReadonlyMap<string, string> {
  return new Map(granted.map((path) => {
    const found = resolveGrantedPath(path, changeable);
    if (found.foreignLink !== null) throw grantReplaced(path, found.foreignLink);
    return [path, found.path];
  }));
}

function grantReplaced(path: string, { link, folder }: NonNullable<GrantedPath["foreignLink"]>): NerveError {
  const where = link === path ? "it is a link" : `${link} is a link`;
  return new NerveError("GRANT_REPLACED", `${path} is not opened: ${where} that leads out of ${folder}`, {
    hint: "a unit may write that folder: remove the link, or grant what it leads to",
  });
}

/** The permissions, with each granted path replaced by its target. */
export function applyFollowed(
  permissions: SandboxPermissions,
  followed: ReadonlyMap<string, string>,
): SandboxPermissions {
  const follow = (list: readonly string[] | boolean) =>
    typeof list === "boolean" ? list : list.map((path) => followed.get(path) ?? path);
  const { read, write, ffi, run } = permissions;
  return { ...permissions, read: follow(read), write: follow(write), ffi: follow(ffi), run: follow(run) };
}

/** The rules, except that those of `judged` paths, and of all others in units' folders, follow no link. */
export function holdRules(
  rules: LandlockRules,
  judged: Iterable<string>,
  changeable: ChangeableFolders,
): LandlockRules {
  const unfollowed = new Set(judged);
  const paths = rules.paths.flatMap(([path, right]): LandlockRule[] => {
    if (unfollowed.has(path) || findChangeable(dirname(path), changeable) === null) return [[path, right]];
    const found = resolveGrantedPath(path, changeable);
    if (found.foreignLink !== null) return [];
    unfollowed.add(found.path);
    return [[found.path, right]];
  });
  // Links of /proc lead to files of the process that opens them.
  return { ...rules, paths, unfollowed: [...unfollowed].filter((path) => !path.startsWith("/proc/")) };
}
