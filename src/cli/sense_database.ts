/** Finds the database of a sense, for commands that read it. */
import { NerveError } from "../base/errors.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import { unknownSense } from "../protocol/common_errors.ts";
import { namePattern } from "../base/name_pattern.ts";
import { findDatabaseFault } from "../store/maintenance/odd_files.ts";
import { requireConfig } from "./workspace.ts";

/**
 * The path of a sense's database, even if nerve.yaml no longer names the sense. Null when the sense has not computed
 * yet. Throws NAME_INVALID, SENSE_UNKNOWN.
 */
export async function findDatabase(paths: WorkspacePaths, name: string): Promise<string | null> {
  if (!namePattern.test(name)) {
    throw new NerveError("NAME_INVALID", `"${name}" cannot be the name of a sense`, { hint: "nerve sense list" });
  }
  const path = paths.senseDatabase(name);
  try {
    await Deno.lstat(path);
    const fault = findDatabaseFault(path);
    if (fault === null) return path;
    throw new NerveError("STORE_FAILED", `${path} ${fault}`, { hint: "move it away: the sense makes a new one" });
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
  const { senses } = await requireConfig(paths);
  if (senses.has(name)) return null;
  throw unknownSense(name, senses.keys());
}
