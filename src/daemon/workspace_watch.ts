/**
 * Notices that the workspace was taken away while its daemon runs: removed, moved, or its lock file replaced, so that a
 * second daemon could start in it; or its log's database, into which the daemon would go on to write although nobody
 * can open it any more. Used by kernel_host.ts. The watch is only a trigger; what counts is whether the paths still lead to
 * the files that we hold. The database is watched as a file: its folder would tell of every write to it.
 * Also used by whoever waits until a workspace is there again.
 */
import { messageOf } from "../base/errors.ts";
import { identifyFile } from "../base/file_identity.ts";
import type { WorkspacePaths } from "../config/workspace.ts";

/** What was taken away: the workspace itself, or data/logs.db in it. */
export type WorkspaceLoss = "workspace gone" | "log gone";

export interface WorkspaceWatch {
  close(): void;
}

/** Calls `onGone` once, at most. Where nothing can be watched it says so through `report` and guards nothing. */
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
    // The limit of inotify instances is reached, as a rule; `nerve doctor` tells more.
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

/** Whether there is something that a kernel could be started with. */
export function workspaceExists({ configFile }: WorkspacePaths): boolean {
  return identifyFile(configFile) !== null;
}
