/**
 * Where the paths of a unit's grants lead when its process starts. A link on the way that the program of a unit may have
 * made is not followed (base/granted_path.ts): with it the process would get what the link leads to behind both walls.
 * Used by launcher.ts.
 * I1. Landlock's rules are of what the judged path leads to, opened without following any link that came meanwhile.
 * I2. What is granted below a folder of a unit, or is nerve's own, is judged; the system's own paths are where they are.
 */
import { dirname } from "node:path";
import { NerveError } from "../base/errors.ts";
import { type ChangeableFolders, findChangeable, type GrantedPath, resolveGrantedPath } from "../base/granted_path.ts";
import type { LandlockRules } from "../base/landlock.ts";
import type { SandboxPermissions } from "../protocol/confinement.ts";
import type { LandlockRule } from "./landlock_rules.ts";

/** What is to be judged of a unit, and by what. */
export interface JudgedGrants {
  /** The paths that it declares. */
  readonly granted: readonly string[];
  /** What any unit may write. */
  readonly changeable: ChangeableFolders;
}

/** Where each granted path leads. Throws GRANT_REPLACED. */
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

/** The permissions with each granted path as what it leads to. */
export function applyFollowed(
  permissions: SandboxPermissions,
  followed: ReadonlyMap<string, string>,
): SandboxPermissions {
  const follow = (list: readonly string[] | boolean) =>
    typeof list === "boolean" ? list : list.map((path) => followed.get(path) ?? path);
  const { read, write, ffi, run } = permissions;
  return { ...permissions, read: follow(read), write: follow(write), ffi: follow(ffi), run: follow(run) };
}

/** The rules, where those of `judged` paths, and of all others in folders of units, follow no link. */
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
  // Links of /proc lead to what belongs to the process that opens them.
  return { ...rules, paths, unfollowed: [...unfollowed].filter((path) => !path.startsWith("/proc/")) };
}
