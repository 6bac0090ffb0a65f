/**
 * The supervisor's state, in `logs/daemon.json`: exists while the supervisor runs, and afterwards if it gave up.
 * Written by supervisor_process.ts, read by discovery.ts. It is only information; the workspace's lock decides who may
 * run.
 */
import { dirname, join } from "node:path";
import { isMissing } from "../base/if_present.ts";
import type { ProcessId } from "../base/process_id.ts";
import { readPlainFile } from "../base/small_file.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import { isPlainObject } from "../protocol/json.ts";

export interface DaemonState {
  readonly supervisor: ProcessId;
  /** The workspace of its kernel. A workspace that was moved or copied contains the state file of the original. */
  readonly workspace: string;
  /** `gave up`: the kernel died too often, or the workspace was missing for too long; nothing runs. */
  readonly state: "starting" | "running" | "backoff" | "stopping" | "gave up";
  /** When it entered that state. */
  readonly since: number;
  /** The kernel's pid; null while there is none. */
  readonly kernel: number | null;
  /** How often the kernel died under this supervisor. */
  readonly deaths: number;
  /** Why the kernel last died, or why the supervisor gave up. */
  readonly problem: string | null;
}

/** The most bytes that are read of the state file or the lock file, which never have more: a problem is one line. */
export const stateFileMaxBytes = 256 * 1024;

export function stateFilePath(paths: WorkspacePaths): string {
  return join(paths.logs, "daemon.json");
}

/** Null when there is no state file, or one that this version does not understand. */
export function readState(paths: WorkspacePaths): DaemonState | null {
  try {
    const value: unknown = JSON.parse(readPlainFile(stateFilePath(paths), stateFileMaxBytes) ?? "null");
    const pid = isPlainObject(value) && isPlainObject(value.supervisor) ? value.supervisor.pid : null;
    return Number.isSafeInteger(pid) && Number(pid) > 1 ? value as unknown as DaemonState : null;
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return null;
    throw thrown;
  }
}

/** Replaces the file atomically: a reader sees the old state or the new one. Throws when it cannot be written. */
export function writeState(paths: WorkspacePaths, state: DaemonState): void {
  const path = stateFilePath(paths), temporary = join(dirname(path), `.daemon.json.${Deno.pid}`);
  Deno.writeTextFileSync(temporary, `${JSON.stringify(state)}\n`, { mode: 0o600 });
  Deno.renameSync(temporary, path);
}

/** Removes the state file if it belongs to that supervisor. */
export function removeState(paths: WorkspacePaths, { pid }: ProcessId): void {
  if (readState(paths)?.supervisor.pid !== pid) return;
  try {
    Deno.removeSync(stateFilePath(paths));
  } catch (thrown) {
    if (!isMissing(thrown)) throw thrown;
  }
}
