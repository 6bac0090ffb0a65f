/**
 * Opens the store for a command that writes to it. The command holds the workspace's lock meanwhile, so that no daemon
 * starts. Used by cli/commands/store_*.ts.
 */
import { NerveError } from "../../base/errors.ts";
import type { WorkspacePaths } from "../../config/workspace.ts";
import { finishRestore } from "../../store/maintenance/restore.ts";
import { openStore, type Store } from "../../store/store.ts";
import { lockWorkspace } from "../../store/workspace_lock.ts";
import type { CliIo } from "../io.ts";

/** Runs `work` with exclusive use of the workspace. Throws DAEMON_RUNNING with `instead` as its hint. */
export async function withWorkspaceLock<T>(
  paths: WorkspacePaths,
  instead: string,
  work: () => T | Promise<T>,
): Promise<T> {
  const { lockFile, pidFile, root } = paths;
  const lock = await lockWorkspace(lockFile, pidFile, root, { kind: "command", program: "nerve" }).catch((thrown) => {
    if (!(thrown instanceof NerveError) || thrown.code !== "DAEMON_RUNNING") throw thrown;
    throw new NerveError("DAEMON_RUNNING", thrown.message, { hint: instead, cause: thrown });
  });
  try {
    await finishRestore(paths);
    return await work();
  } finally {
    lock.release();
  }
}

/** Opens the log's store, and closes it when `work` is done. Throws STORE_FAILED when the workspace has never run. */
export async function withStore<T>(
  io: CliIo,
  paths: WorkspacePaths,
  work: (store: Store) => T | Promise<T>,
): Promise<T> {
  requireLog(paths);
  const store = openStore(paths.logDatabase, io.clock, { archiveFolder: paths.archive });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

export function requireLog({ logDatabase, root }: WorkspacePaths): void {
  try {
    Deno.statSync(logDatabase);
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
    throw new NerveError("STORE_FAILED", `nothing has happened in ${root} yet`, { hint: "nerve start" });
  }
}

/** A line on a terminal that each `show` replaces and `end` erases. Shows nothing when stdout is not a terminal. */
export function createProgressLine(io: CliIo): { show(text: string): void; end(): void } {
  let shown = false;
  return {
    show(text) {
      if (!io.colour) return;
      io.stderr.write(`\r\x1b[K${text}`);
      shown = true;
    },
    end() {
      if (shown) io.stderr.write("\r\x1b[K");
      shown = false;
    },
  };
}
