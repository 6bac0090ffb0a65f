/**
 * Lists what units may write, and so put links into, and the paths of grants that such a link could redirect;
 * base/granted_path.ts judges these. Used by check_grants.ts, and for each process by deploy/unit_plans.ts.
 */
import { isAbsolute, join } from "node:path";
import { type ChangeableFolders, listChangeable } from "../../base/granted_path.ts";
import type { NerveConfig, PermissionRequest } from "../types.ts";
import type { WorkspacePaths } from "../workspace.ts";
import { resolveRequest } from "./grants.ts";

/**
 * Every folder that a sense, a workflow, an agent or any process may write. Omits what unconfined units may write:
 * anyone who grants that trusts them completely.
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

/** The paths that the requests name. */
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
