/** Determines why a process ended, from its exit status and its last output. Pure. */

export type EndKind =
  /** It ended on request: idle, replaced, or the daemon stops. */
  | "ended"
  | "out_of_memory"
  | "memory_limit"
  | "disk_limit"
  | "aborted"
  | "killed"
  | "stuck"
  | "timeout"
  | "protocol"
  | "fault"
  /** It ended before it loaded user code, or could not be started at all: a fault of nerve or the machine. */
  | "no_start"
  | "recycled"
  | "exited";

/** The end of one process. `message` completes "its process ...". */
export interface ProcessEnd {
  readonly kind: EndKind;
  readonly message: string;
}

/** Whether the end was requested; all others count as deaths. */
export function isWanted(end: ProcessEnd): boolean {
  return end.kind === "ended" || end.kind === "recycled";
}

/** The end of a process that was never ready. Its code cannot be the cause, but its configured limits may be. */
export function toFailedStart(end: ProcessEnd): ProcessEnd {
  const { kind, message } = end,
    configured = kind === "out_of_memory" || kind === "memory_limit" || kind === "disk_limit";
  if (isWanted(end) || configured || kind === "no_start") return end;
  return { kind: "no_start", message: `${message}, before it loaded any code` };
}

/** The result of `Deno.ChildProcess.status`. */
export interface ExitStatus {
  readonly code: number;
  readonly signal: string | null;
}

/** Signals that the system sends for the process's own faults. */
const faultSignals: ReadonlySet<string> = new Set([
  ...["SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGSYS", "SIGXCPU", "SIGXFSZ"],
]);

/** Interprets the exit status of a process that nerve did not end (signals as measured on Deno 2.9.6). */
export function toProcessEnd(status: ExitStatus, stderrTail: string): ProcessEnd {
  if (status.signal === "SIGTRAP" || /JavaScript (heap )?out of memory/i.test(stderrTail)) {
    return { kind: "out_of_memory", message: "ran out of its memory limit (JavaScript heap)" };
  }
  if (status.signal === "SIGABRT") return { kind: "aborted", message: "aborted (SIGABRT)" };
  if (faultSignals.has(status.signal ?? "")) return { kind: "aborted", message: `crashed (${status.signal})` };
  if (status.signal !== null) return { kind: "killed", message: `was killed from outside (${status.signal})` };
  const lastLine = stderrTail.trim().split("\n").filter((line) => line.trim() !== "").at(-1);
  return { kind: "exited", message: `exited with code ${status.code}${lastLine === undefined ? "" : `: ${lastLine}`}` };
}
