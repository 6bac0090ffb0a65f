/**
 * What the supervisor tells others about itself: `logs/daemon.json`, there while it runs, and afterwards when it gave
 * up. Written by supervisor_process.ts, read by discovery.ts. It informs; the truth of who may run is the lock.
 */
import { dirname, join } from "node:path";
import { isMissing } from "../base/if_present.ts";
import type { ProcessId } from "../base/process_id.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import { isPlainObject } from "../protocol/json.ts";

export interface DaemonState {
  readonly supervisor: ProcessId;
  /** Where it keeps a kernel; a workspace that was moved or copied holds the state of another one. */
  readonly workspace: string;
  /** `gave up`: the kernel died too often, or the workspace was taken away for too long, and nothing runs. */
  readonly state: "starting" | "running" | "backoff" | "stopping" | "gave up";
  /** Since when it is in that state. */
  readonly since: number;
  /** Of the kernel; null while there is none. */
  readonly kernel: number | null;
  /** How often the kernel died under this supervisor. */
  readonly deaths: number;
  /** Why it last died, or why it was given up. */
  readonly problem: string | null;
}

export function stateFilePath(paths: WorkspacePaths): string {
  return join(paths.logs, "daemon.json");
}

/** Null: there is none, or none that this nerve understands. */
export function readState(paths: WorkspacePaths): DaemonState | null {
  try {
    const value: unknown = JSON.parse(Deno.readTextFileSync(stateFilePath(paths)));
    return isPlainObject(value) && isPlainObject(value.supervisor) ? value as unknown as DaemonState : null;
  } catch (thrown) {
    if (thrown instanceof SyntaxError || isMissing(thrown)) return null;
    throw thrown;
  }
}

/** In one step: a reader sees the old one or the new one. Throws when it cannot be written. */
export function writeState(paths: WorkspacePaths, state: DaemonState): void {
  const path = stateFilePath(paths), aside = join(dirname(path), `.daemon.json.${Deno.pid}`);
  Deno.writeTextFileSync(aside, `${JSON.stringify(state)}\n`, { mode: 0o600 });
  Deno.renameSync(aside, path);
}

/** Removes the state of that supervisor; another one's stays. */
export function removeState(paths: WorkspacePaths, { pid }: ProcessId): void {
  if (readState(paths)?.supervisor.pid !== pid) return;
  try {
    Deno.removeSync(stateFilePath(paths));
  } catch (thrown) {
    if (!isMissing(thrown)) throw thrown;
  }
}
