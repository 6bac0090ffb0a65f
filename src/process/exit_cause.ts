/** Why a process ended, told from its exit status, its last words and what we did to it. Pure. */

export type EndKind =
  /** We told it to end and it did: idle, replaced, or the daemon stops. */
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
  | "no_start"
  | "recycled"
  | "exited";

/** The end of one process. `message` is a sentence for the log. */
export interface ProcessEnd {
  readonly kind: EndKind;
  readonly message: string;
}

/** Ends that we wanted; all others count as deaths. */
export function isWanted(end: ProcessEnd): boolean {
  return end.kind === "ended" || end.kind === "recycled";
}

/** What `Deno.ChildProcess.status` gives. */
export interface ExitStatus {
  readonly code: number;
  readonly signal: string | null;
}

/** Reads an exit status that nothing of ours explains (the codes are measured on Deno 2.9.6). */
export function endFromStatus(status: ExitStatus, stderrTail: string): ProcessEnd {
  if (status.signal === "SIGTRAP" || /JavaScript (heap )?out of memory/i.test(stderrTail)) {
    return { kind: "out_of_memory", message: "ran out of its memory limit (JavaScript heap)" };
  }
  if (status.signal === "SIGABRT") return { kind: "aborted", message: "aborted (SIGABRT)" };
  if (status.signal !== null) return { kind: "killed", message: `was killed from outside (${status.signal})` };
  const words = stderrTail.trim().split("\n").filter((line) => line.trim() !== "").at(-1);
  return { kind: "exited", message: `exited with code ${status.code}${words === undefined ? "" : `: ${words}`}` };
}
