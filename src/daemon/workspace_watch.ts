/**
 * Detects that the workspace was removed or moved, or its lock file replaced, while its daemon runs: a second daemon
 * could then start in it. Also detects that the log's database was removed: the daemon would keep writing to a file
 * that can no longer be opened. Used by kernel_host.ts; `workspaceExists` also by callers that wait for a workspace to
 * return.
 * It checks the paths at an interval. In the kernel's process, only SQLite may watch, open or close a database: the
 * system drops all of a process's locks on a file when any of its descriptors of that file is closed, and Deno.watchFs
 * opens and closes what it watches. The next program that reads the log would then take itself for the last one, and
 * remove the -wal file to which the kernel keeps writing.
 */
import { identifyFile } from "../base/file_identity.ts";
import { workspaceCheckMs } from "../base/limits.ts";
import type { CancelTimer, Clock } from "../base/time.ts";
import type { WorkspacePaths } from "../config/workspace.ts";

/** What was removed: the workspace itself, or data/logs.db in it. */
export type WorkspaceLoss = "workspace gone" | "log gone";

export interface WorkspaceWatch {
  close(): void;
}

/** Calls `onGone` at most once. */
export function watchWorkspace(
  { lockFile, logDatabase }: Pick<WorkspacePaths, "lockFile" | "logDatabase">,
  clock: Clock,
  onGone: (what: WorkspaceLoss) => void,
): WorkspaceWatch {
  const lock = identifyFile(lockFile), log = identifyFile(logDatabase);
  let cancel: CancelTimer = () => {};
  const check = () => {
    if (identifyFile(lockFile) !== lock) return onGone("workspace gone");
    if (identifyFile(logDatabase) !== log) return onGone("log gone");
    cancel = clock.after(workspaceCheckMs, check);
  };
  cancel = clock.after(workspaceCheckMs, check);
  return { close: () => cancel() };
}

/** Whether there is a nerve.yaml with which a kernel could start. */
export function workspaceExists({ configFile }: WorkspacePaths): boolean {
  return identifyFile(configFile) !== null;
}
