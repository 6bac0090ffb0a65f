/**
 * Takes one sense out of its group, for commands that run it without a daemon. Used by learn_permissions.ts and
 * dry_compute.ts.
 */
import { assert, NerveError } from "../base/errors.ts";
import { bindToLock, describeHold } from "../config/permissions/lock_binding.ts";
import { lockAtStart, readLock } from "../config/permissions/lock_file.ts";
import type { NerveConfig } from "../config/types.ts";
import type { WorkspacePaths } from "../config/workspace.ts";

/** Throws PERMISSION_UNAPPROVED or GRANT_REPLACED when the permission lock holds the sense back. */
export async function requireApproval(alone: NerveConfig, paths: WorkspacePaths, sense: string): Promise<void> {
  const { holds } = bindToLock(alone, null, lockAtStart(await readLock(paths)));
  const hold = holds.find(({ kind, name }) => kind === "sense" && name === sense);
  if (hold === undefined) return;
  if (hold.fault !== null) throw new NerveError("GRANT_REPLACED", `${sense} ${describeHold(hold)}`);
  throw new NerveError("PERMISSION_UNAPPROVED", `${sense} asks for more than was approved: ${hold.excess}`, {
    hint: "nerve permissions diff shows it, nerve permissions approve agrees to it",
  });
}

/** The configuration with the sense in a group of its own, which has the limits of its old one. */
export function placeAlone(config: NerveConfig, name: string): NerveConfig {
  const sense = config.senses.get(name), group = config.groups.get(sense?.group ?? "");
  assert(sense !== undefined && group !== undefined, `sense ${name} is configured`);
  return {
    ...config,
    senses: new Map([...config.senses, [name, { ...sense, group: name }]]),
    groups: new Map([...config.groups, [name, { ...group, name }]]),
  };
}
