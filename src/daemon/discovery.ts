/**
 * Finds the processes that run in a workspace, from the files that they left on disk. Used by the commands start, stop,
 * status and doctor. Takes no lock, since a query must never keep a kernel from starting.
 * I1. A file may be forged, copied from elsewhere, or left from before the machine's last boot, when other processes
 *     had the same pids. It counts only if the process that it names is what the file claims (own_process.ts).
 * I2. Reading never blocks: a pipe may be in the place of such a file.
 */
import { ifPresent, isGoneProcess } from "../base/if_present.ts";
import { isAlive, type ProcessId, readProcessStat } from "../base/process_id.ts";
import { readPlainFile } from "../base/small_file.ts";
import { type Clock, delay } from "../base/time.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import { type LockHolder, parseLockHolder } from "../protocol/lock_holder.ts";
import { holdsLock, isOwn, isSupervisorOf, readWords } from "./own_process.ts";
import { type DaemonState, readState, stateFileMaxBytes } from "./state_file.ts";

export interface FoundDaemon {
  /** The process that holds the workspace's lock: a kernel, alone or inside another program, or a command of nerve. */
  readonly kernel: LockHolder | null;
  /** The state of a running supervisor. */
  readonly supervised: DaemonState | null;
  /** The last state of a supervisor that no longer runs: it gave up, or was killed. */
  readonly lastState: DaemonState | null;
}

export function findDaemon(paths: WorkspacePaths): FoundDaemon {
  const holder = readLockHolder(paths), state = readState(paths);
  const kernel = holder !== null && isAlive(holder) && holdsLock(holder.pid, paths.lockFile) ? holder : null;
  if (state === null) return { kernel, supervised: null, lastState: null };
  if (typeof state.workspace === "string" && state.workspace !== paths.root) return ignoreMovedState(kernel, state);
  return isAlive(state.supervisor) && isSupervisorOf(state.supervisor.pid, paths.root)
    ? { kernel, supervised: state, lastState: null }
    : { kernel, supervised: null, lastState: state };
}

/** For a workspace that was moved or copied here while its daemon ran: that daemon does not belong to this folder. */
function ignoreMovedState(kernel: LockHolder | null, state: DaemonState): FoundDaemon {
  const problem = `the workspace was moved or copied here from ${state.workspace}, where its daemon ran`;
  const own = kernel?.pid === state.kernel ? null : kernel;
  return { kernel: own, supervised: null, lastState: { ...state, state: "gave up", problem } };
}

export function isRunning({ kernel, supervised }: FoundDaemon): boolean {
  return kernel !== null || supervised !== null;
}

/** The last process that wrote its id to the lock file, alive or not. Null after an orderly stop. */
export function readLockHolder({ lockFile }: WorkspacePaths): LockHolder | null {
  return parseLockHolder(readPlainFile(lockFile, stateFileMaxBytes) ?? "");
}

/** The polling interval. The system does not notify us when a process ends that is not our child. */
const pollMs = 40;

/** Polls `reached`. True as soon as it returns true, false after `limitMs`. */
export async function waitUntil(
  clock: Clock,
  limitMs: number,
  reached: () => boolean | Promise<boolean>,
): Promise<boolean> {
  const end = clock.monotonic() + limitMs;
  for (;;) {
    if (await reached()) return true;
    if (clock.monotonic() >= end) return false;
    await delay(clock, pollMs);
  }
}

/** Processes of groups and workflows that still run in `root` although their kernel has ended. None without /proc. */
export function findLeftovers(root: string): ProcessId[] {
  const found: ProcessId[] = [];
  for (const pid of listProcesses()) {
    const stat = readProcessStat(pid);
    if (stat === null || stat.state === "Z" || !readWords(pid).includes("__group") || !isOwn(pid)) continue;
    const folder = readLink(`/proc/${pid}/cwd`);
    if (folder !== root && folder !== `${root} (deleted)`) continue;
    // Its parent is alive: a kernel, `nerve validate`, or a program that embeds nerve, all of the same executable.
    if (readLink(`/proc/${stat.parent}/exe`) === readLink(`/proc/${pid}/exe`)) continue;
    found.push({ pid, startTime: stat.startTime });
  }
  return found;
}

function listProcesses(): number[] {
  return ifPresent(() =>
    [...Deno.readDirSync("/proc")].map(({ name }) => Number(name)).filter((pid) => Number.isInteger(pid))
  ) ?? [];
}

function readLink(path: string): string | null {
  try {
    return Deno.readLinkSync(path);
  } catch {
    // The process has ended or belongs to another user.
    return null;
  }
}

/** Kills the processes; with "group", also the programs that they started, which share their process group. */
export function killProcesses(ids: readonly ProcessId[], target: "process" | "group"): void {
  for (const id of ids) {
    if (!isAlive(id)) continue;
    try {
      Deno.kill(target === "group" ? -id.pid : id.pid, "SIGKILL");
    } catch (thrown) {
      if (!isGoneProcess(thrown)) throw thrown;
    }
  }
}
