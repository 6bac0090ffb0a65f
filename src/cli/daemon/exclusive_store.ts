/**
 * How the store's commands reach it: they ask the daemon, or they hold the workspace's lock while they write, so that no
 * daemon starts meanwhile. Used by commands/store_*.ts.
 */
import { NerveError } from "../../base/errors.ts";
import type { WorkspacePaths } from "../../config/workspace.ts";
import { finishRestore } from "../../store/maintenance/backup.ts";
import { openStore, type Store } from "../../store/store.ts";
import { lockWorkspace } from "../../store/workspace_lock.ts";
import type { CliIo } from "../io.ts";

/** Runs `work` with the workspace to itself. Throws DAEMON_RUNNING; `instead` says what to do then. */
export async function withWorkspaceLock<T>(
  paths: WorkspacePaths,
  instead: string,
  work: () => T | Promise<T>,
): Promise<T> {
  const lock = await lockWorkspace(paths.lockFile, paths.pidFile, paths.root).catch((thrown: unknown) => {
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

/** The log's store, closed when `work` is done. Throws STORE_FAILED when nothing has happened yet. */
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
    throw new NerveError("STORE_FAILED", `Nothing has happened in ${root} yet`, { hint: "nerve start" });
  }
}

/** One line on a terminal that is written over; nothing elsewhere. Undone by `end`. */
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
