/**
 * Checks links on the way to a granted path, which programs of another unit may have made or may make. Called by
 * check_grants.ts; process/followed_grants.ts checks again when a process starts.
 */
import { type ChangeableFolders, resolveGrantedPath } from "../../base/granted_path.ts";
import { systemLandlock } from "../../base/landlock.ts";
import { type ConfigPath, quote } from "../diagnostic.ts";
import type { DiagnosticList } from "../diagnostic_list.ts";
import type { PermissionRequest } from "../types.ts";
import type { WorkspacePaths } from "../workspace.ts";
import { listGrantedPaths } from "./changeable.ts";
import type { GrantContext } from "./grants.ts";
import { pathContains } from "./path_contains.ts";

export interface LinkScope extends GrantContext {
  readonly paths: WorkspacePaths;
  /** What any unit may write. */
  readonly changeable: ChangeableFolders;
  /** Folders in which programs of other units may put links. */
  readonly linkers: readonly { readonly folder: string; readonly who: string }[];
  readonly diagnostics: DiagnosticList;
}

/** Through the link, the process would get its target behind both walls. Unheld programs need no link. */
export function holdForeignLinks(
  request: PermissionRequest,
  path: ConfigPath,
  { paths, home, landlock = systemLandlock, changeable, diagnostics }: LinkScope,
): void {
  if (request.unconfined === true || landlock() === 0) return;
  for (const granted of listGrantedPaths([request], paths, home)) {
    const { foreignLink } = resolveGrantedPath(granted, changeable);
    if (foreignLink === null) continue;
    diagnostics.hold(
      path,
      `${quote(granted)} leads elsewhere: the link ${quote(foreignLink.link)} leads out of ${
        quote(foreignLink.folder)
      }, which a sense or workflow may write`,
      "remove the link, then nerve reload; if it is yours, grant what it leads to",
    );
  }
}

/** Only programs and libraries make links. With such a link, the unit no longer starts. */
export function warnOfReplacement(
  permission: string,
  value: string,
  at: ConfigPath,
  { linkers, diagnostics }: LinkScope,
): void {
  const found = linkers.find(({ folder }) => folder !== value && pathContains(folder, value));
  if (found === undefined) return;
  diagnostics.warning(
    at,
    `${permission} of ${quote(value)} lies in ${
      quote(found.folder)
    }, where programs of ${found.who} may put a link in its place`,
    "then it does not start: grant two folders that do not lie in each other",
  );
}
