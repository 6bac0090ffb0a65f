/**
 * Who runs in a workspace, from what its processes left on the disk; every pid is checked against the start time of the
 * process that has it now. Used by the commands start, stop, status and doctor. Takes no lock: whoever looks must never
 * keep a kernel from starting.
 */
import { ifPresent, isGoneProcess, isMissing } from "../base/if_present.ts";
import { isAlive, type ProcessId, readProcessStat } from "../base/process_id.ts";
import { type Clock, delay } from "../base/time.ts";
import type { WorkspacePaths } from "../config/workspace.ts";
import { type DaemonState, readState } from "./state_file.ts";

export interface FoundDaemon {
  /** The process that holds the workspace's lock. */
  readonly kernel: ProcessId | null;
  /** The state of a supervisor that runs. */
  readonly supervised: DaemonState | null;
  /** The state of a supervisor that does not: it gave up, or was killed. */
  readonly lastState: DaemonState | null;
}

export function findDaemon(paths: WorkspacePaths): FoundDaemon {
  const holder = readLockHolder(paths), state = readState(paths);
  const kernel = holder !== null && isAlive(holder) ? holder : null;
  if (state === null) return { kernel, supervised: null, lastState: null };
  if (typeof state.workspace === "string" && state.workspace !== paths.root) return elsewhere(kernel, state);
  return isAlive(state.supervisor)
    ? { kernel, supervised: state, lastState: null }
    : { kernel, supervised: null, lastState: state };
}

/** The workspace was moved or copied here while a daemon ran in it: what that left here is no daemon of this folder. */
function elsewhere(kernel: ProcessId | null, state: DaemonState): FoundDaemon {
  const problem = `the workspace was moved or copied here from ${state.workspace}, where its daemon ran`;
  const own = kernel?.pid === state.kernel ? null : kernel;
  return { kernel: own, supervised: null, lastState: { ...state, state: "gave up", problem } };
}

export function isRunning({ kernel, supervised }: FoundDaemon): boolean {
  return kernel !== null || supervised !== null;
}

/** Who last wrote itself into the lock file, alive or not; null after an orderly end. */
export function readLockHolder({ lockFile }: WorkspacePaths): ProcessId | null {
  const [pid = "", startTime = ""] = (readText(lockFile) ?? "").trim().split(" ");
  return /^\d+$/.test(pid) ? { pid: Number(pid), startTime: startTime === "" ? null : startTime } : null;
}

function readText(path: string): string | null {
  try {
    return Deno.readTextFileSync(path);
  } catch (thrown) {
    if (isMissing(thrown)) return null;
    throw thrown;
  }
}

/** Processes that are not ours end without a word to us: looked at so often. */
const lookMs = 40;

/** True as soon as `reached` is, false when it was not for `limitMs`. */
export async function waitUntil(
  clock: Clock,
  limitMs: number,
  reached: () => boolean | Promise<boolean>,
): Promise<boolean> {
  const end = clock.monotonic() + limitMs;
  for (;;) {
    if (await reached()) return true;
    if (clock.monotonic() >= end) return false;
    await delay(clock, lookMs);
  }
}

/** The processes of groups and workflows that work in `root` though their kernel is gone. Without /proc: none. */
export function findLeftovers(root: string): ProcessId[] {
  const found: ProcessId[] = [];
  for (const pid of allProcesses()) {
    const stat = readProcessStat(pid);
    if (stat === null || stat.state === "Z" || !isGroupProcess(pid)) continue;
    const folder = readLink(`/proc/${pid}/cwd`);
    if (folder !== root && folder !== `${root} (deleted)`) continue;
    // Whoever started it runs the same executable: a kernel, `nerve validate`, or a program that embeds nerve.
    if (readLink(`/proc/${stat.parent}/exe`) === readLink(`/proc/${pid}/exe`)) continue;
    found.push({ pid, startTime: stat.startTime });
  }
  return found;
}

function isGroupProcess(pid: number): boolean {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0").includes("__group");
  } catch {
    // Gone since the listing, or another user's: neither is ours.
    return false;
  }
}

function allProcesses(): number[] {
  return ifPresent(() =>
    [...Deno.readDirSync("/proc")].map(({ name }) => Number(name)).filter((pid) => Number.isInteger(pid))
  ) ?? [];
}

function readLink(path: string): string | null {
  try {
    return Deno.readLinkSync(path);
  } catch {
    // Gone since, or not ours to look at.
    return null;
  }
}

/** Ends those processes and the programs that they started, which share their process group. */
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
