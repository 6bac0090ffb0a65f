/**
 * Notices that the workspace was taken away while its daemon runs: removed, moved, or its lock file replaced, so that a
 * second daemon could start in it. Used by hosting.ts. The watch is only a trigger; what counts is whether the path
 * still leads to the lock file that we hold.
 */
import { messageOf } from "../base/errors.ts";
import type { WorkspacePaths } from "../config/workspace.ts";

export interface WorkspaceGuard {
  close(): void;
}

/** Calls `onGone` once, at most. Where nothing can be watched it says so through `report` and guards nothing. */
export function guardWorkspace(
  { root, lockFile }: WorkspacePaths,
  onGone: () => void,
  report: (what: string) => void,
): WorkspaceGuard {
  const held = identity(lockFile);
  let watcher: Deno.FsWatcher;
  try {
    watcher = Deno.watchFs(root, { recursive: false });
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
      if (kind === "access" || identity(lockFile) === held) continue;
      close();
      return onGone();
    }
  })();
  return { close };
}

/** Which file the path leads to, or null when to none. */
function identity(path: string): string | null {
  try {
    const { dev, ino } = Deno.statSync(path);
    return `${dev}:${ino}`;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound || thrown instanceof Deno.errors.NotADirectory) return null;
    throw thrown;
  }
}
