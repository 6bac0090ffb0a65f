/**
 * Which process a pid means: a pid alone is used again after its process has died, a pid with its start time is not.
 * Reads /proc; on systems without it the pid alone has to do.
 */
import { isGoneProcess } from "./if_present.ts";

export interface ProcessId {
  readonly pid: number;
  /** Clock ticks since boot at which it started (field 22 of /proc/PID/stat); null where there is no /proc. */
  readonly startTime: string | null;
}

export function readOwnProcessId(): ProcessId {
  return { pid: Deno.pid, startTime: readProcessStat(Deno.pid)?.startTime ?? null };
}

/** Whether that very process is there and has not ended; one that only waits to be reaped has ended. */
export function isAlive({ pid, startTime }: ProcessId): boolean {
  const stat = readProcessStat(pid);
  if (stat === null) return startTime === null && answersSignals(pid);
  // Without a start time, from a system without /proc or cut off by a full disk, the pid may be anybody's by now.
  return stat.state !== "Z" && stat.state !== "X" && stat.startTime === startTime;
}

export interface ProcessStat {
  /** R running, S sleeping, D waiting for a disk, T stopped, Z ended. */
  readonly state: string;
  readonly parent: number;
  readonly startTime: string;
  /** Processor time that it has used, in the system's ticks (fields 14 and 15). */
  readonly cpuTicks: number;
}

/** Null: there is no such process, or no /proc. */
export function readProcessStat(pid: number): ProcessStat | null {
  let text: string;
  try {
    text = Deno.readTextFileSync(`/proc/${pid}/stat`);
  } catch (thrown) {
    // Gone, also between opening and reading.
    if (isGoneProcess(thrown)) return null;
    throw thrown;
  }
  // The name, in brackets, may hold anything: spaces and brackets too. The state, field 3, comes after it.
  const [state = "", parent = "", ...rest] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { state, parent: Number(parent), startTime: rest[17] ?? "", cpuTicks: Number(rest[9]) + Number(rest[10]) };
}

/** For systems without /proc: SIGCONT does nothing to a process that runs. */
function answersSignals(pid: number): boolean {
  if (hasProc()) return false;
  try {
    Deno.kill(pid, "SIGCONT");
    return true;
  } catch {
    // No such process, or not ours: neither is our daemon.
    return false;
  }
}

function hasProc(): boolean {
  return readProcessStat(Deno.pid) !== null;
}
