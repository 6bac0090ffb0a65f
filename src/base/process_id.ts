/**
 * Identifies a process: the system reuses a pid after its process has died, but not a pid with a start time. Reads
 * /proc; on systems without it the pid alone must suffice.
 */
import { isGoneProcess } from "./if_present.ts";

export interface ProcessId {
  readonly pid: number;
  /** Start time in clock ticks since boot (field 22 of /proc/PID/stat); null where there is no /proc. */
  readonly startTime: string | null;
}

export function readOwnProcessId(): ProcessId {
  return { pid: Deno.pid, startTime: readProcessStat(Deno.pid)?.startTime ?? null };
}

/** Whether that same process still runs. A zombie, which only waits to be reaped, does not. */
export function isAlive({ pid, startTime }: ProcessId): boolean {
  const stat = readProcessStat(pid);
  if (stat === null) return startTime === null && answersSignals(pid);
  // Without a start time (no /proc, or a write that a full disk cut off) the pid may belong to another process by now.
  return stat.state !== "Z" && stat.state !== "X" && stat.startTime === startTime;
}

export interface ProcessStat {
  readonly pid: number;
  /** R running, S sleeping, D waiting for a disk, T stopped, Z ended. */
  readonly state: string;
  readonly parent: number;
  /** The pid of the process that leads its session. */
  readonly session: number;
  /** The name of the program, at most 15 bytes. */
  readonly command: string;
  readonly startTime: string;
  /** Bytes of its environment when it started; 0 when the reader may not see it. */
  readonly environmentBytes: number;
  /** CPU time used, in clock ticks (fields 14 and 15). */
  readonly cpuTicks: number;
  /** Resident memory, in pages (field 24). */
  readonly residentPages: number;
}

/** Process states as texts that complete "its process ...". */
export const processStateTexts: Readonly<Record<string, string>> = {
  R: "is busy",
  S: "waits for something",
  D: "waits for a disk",
  T: "was stopped by a signal (SIGSTOP)",
  t: "is held by a debugger",
};

/** Null when there is no such process, or no /proc. */
export function readProcessStat(pid: number): ProcessStat | null {
  let text: string;
  try {
    text = Deno.readTextFileSync(`/proc/${pid}/stat`);
  } catch (thrown) {
    // The process may also end between opening and reading.
    if (isGoneProcess(thrown)) return null;
    throw thrown;
  }
  // The name, in parentheses, may hold anything, including spaces and parentheses. The state, field 3, follows it.
  const nameEnd = text.lastIndexOf(")");
  const [state = "", parent = "", ...rest] = text.slice(nameEnd + 2).split(" ");
  return {
    pid,
    state,
    parent: Number(parent),
    session: Number(rest[1]),
    command: text.slice(text.indexOf("(") + 1, nameEnd),
    startTime: rest[17] ?? "",
    environmentBytes: Number(rest[46] ?? 0) - Number(rest[45] ?? 0),
    cpuTicks: Number(rest[9]) + Number(rest[10]),
    residentPages: Number(rest[19]),
  };
}

/** For systems without /proc: SIGCONT does nothing to a running process. */
function answersSignals(pid: number): boolean {
  if (hasProc()) return false;
  try {
    Deno.kill(pid, "SIGCONT");
    return true;
  } catch {
    // No such process, or another user's: neither is our daemon.
    return false;
  }
}

function hasProc(): boolean {
  return readProcessStat(Deno.pid) !== null;
}
