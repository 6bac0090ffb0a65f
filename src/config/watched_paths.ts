/**
 * Resolves what a reflex watches to absolute paths, and lists what its sense may read. Pure; used by check_watches.ts
 * and by deploy/stage_plans.ts.
 */
import { parsePathPattern, type PathPattern } from "../base/path_pattern.ts";
import type { Result } from "../base/result.ts";
import { resolveRequest } from "./permissions/grants.ts";
import type { SenseConfig } from "./types.ts";
import type { WorkspacePaths } from "./workspace.ts";

export function parseWatched(text: string, paths: WorkspacePaths, home: string | null): Result<PathPattern, string> {
  return parsePathPattern(text, paths.root, home);
}

/** The folders and files that a sense may read: those that it declares, and its code; null: everything. */
export function listReadable(
  { use, permissions: { read = [] } }: SenseConfig,
  paths: WorkspacePaths,
  home: string | null,
): readonly string[] | null {
  if (read === true) return null;
  const declared = resolveRequest({ read }, paths.root, home).flatMap(({ value }) => value === true ? [] : [value]);
  return [...declared, paths.senseFolder(use), paths.lib];
}

/**
 * The folders to which the kernel writes all the time. A watch there would never rest, and would cost SQLite its locks
 * (daemon/workspace_watch.ts).
 */
export function listOwnFolders(paths: WorkspacePaths): string[] {
  return [paths.data, paths.logs, paths.runtimeFolder].filter((folder) => folder !== paths.root);
}
