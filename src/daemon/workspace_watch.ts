/**
 * Detects that the workspace was removed, moved, or its lock file replaced while its daemon runs, so that a second
 * daemon could start in it; or that the log's database was removed, to which the daemon would keep writing although
 * nobody can open it any more. Used by kernel_host.ts; `workspaceExists` also by those that wait for a workspace to
 * return. File events only trigger a check whether the paths still lead to the files that we hold. The database is
 * watched as a file, since a watch on its folder would report every write.
 */
import { messageOf } from "../base/errors.ts";
import { identifyFile } from "../base/file_identity.ts";
import type { WorkspacePaths } from "../config/workspace.ts";

/** What was removed: the workspace itself, or data/logs.db in it. */
export type WorkspaceLoss = "workspace gone" | "log gone";

export interface WorkspaceWatch {
  close(): void;
}

/** Calls `onGone` at most once. If the files cannot be watched, calls `report` and watches nothing. */
export function watchWorkspace(
  { root, lockFile, logDatabase }: WorkspacePaths,
  onGone: (what: WorkspaceLoss) => void,
  report: (what: string) => void,
): WorkspaceWatch {
  const held = identifyFile(lockFile), log = identifyFile(logDatabase);
  let watcher: Deno.FsWatcher;
  try {
    watcher = Deno.watchFs(log === null ? [root] : [root, logDatabase], { recursive: false });
  } catch (thrown) {
    // Usually the limit of inotify instances; `nerve doctor` shows it.
    report(`the workspace's folder cannot be watched: ${messageOf(thrown)}`);
    return { close: () => {} };
  }
  let open = true;
  const close = () => {
    if (open) watcher.close();
    open = false;
  };
  (async () => {
    for await (const { kind } of watcher) {
      if (kind === "access") continue;
      const gone = identifyFile(lockFile) !== held
        ? "workspace gone"
        : identifyFile(logDatabase) !== log
        ? "log gone"
        : null;
      if (gone === null) continue;
      close();
      return onGone(gone);
    }
  })();
  return { close };
}

/** Whether there is a nerve.yaml with which a kernel could start. */
export function workspaceExists({ configFile }: WorkspacePaths): boolean {
  return identifyFile(configFile) !== null;
}
