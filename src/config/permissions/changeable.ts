/**
 * What units may write, and so put links into, and the paths of grants that such a link could lead elsewhere: what
 * base/granted_path.ts judges. Used by check_grants.ts, and for each process by deploy/unit_plans.ts.
 */
import { isAbsolute, join } from "node:path";
import { type ChangeableFolders, listChangeable } from "../../base/granted_path.ts";
import type { NerveConfig, PermissionRequest } from "../types.ts";
import type { WorkspacePaths } from "../workspace.ts";
import { resolveRequest } from "./grants.ts";

/**
 * Every folder that a sense or workflow, an agent or any process may write. Not what units without a wall may write:
 * whoever grants that trusts them as himself.
 */
export function findChangeableFolders(
  { senses, workflows }: NerveConfig,
  paths: WorkspacePaths,
  home: string | null,
): ChangeableFolders {
  const requests = [...senses.values(), ...workflows.values()].map(({ permissions }) => permissions);
  const granted = requests.filter(({ unconfined, write }) => unconfined !== true && Array.isArray(write))
    .flatMap(({ write = [] }) => resolveRequest({ write }, paths.root, home));
  return listChangeable([
    ...granted.flatMap(({ value }) => value === true ? [] : [value]),
    ...[paths.blobs, paths.temp, paths.worktrees, join(paths.data, "agents")],
  ]);
}

/** The paths that requests name. */
export function listGrantedPaths(
  requests: readonly PermissionRequest[],
  { root }: WorkspacePaths,
  home: string | null,
): string[] {
  return [
    ...new Set(
      requests.flatMap((request) => resolveRequest(request, root, home)).flatMap(({ permission, value }) => {
        const path = permission === "net" && value !== true ? value.replace(/^unix:(?=\/)/, "") : value;
        const isPath = ["read", "write", "ffi", "run", "net"].includes(permission);
        return path !== true && isPath && isAbsolute(path) ? [path] : [];
      }),
    ),
  ];
}
