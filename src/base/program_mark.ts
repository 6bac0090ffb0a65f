/**
 * The mark that programs started by user code carry in their environment. It says which compute or attempt of which
 * process started them, so that all of them can be found when it ends: a program may start others, leave its process
 * group, and outlive its parent, but its environment goes with it.
 * A mark proves nothing about who wrote it; whoever carries it is ended together with what it names. It cannot be put
 * on a process that does not start from the marked one.
 */

/** The variable that holds the mark. */
export const markVariable = "NERVE_STARTED_BY";

/** A mark, taken apart. */
export interface ProgramMark {
  /** Of the workspace's folder; see `identifyWorkspace`. */
  readonly workspace: string;
  /** The process that started the unit's process: a kernel, or a command that loads code on trial. */
  readonly owner: { readonly pid: number; readonly startTime: string };
  /** Which of that owner's processes. */
  readonly process: number;
  readonly kind: string;
  readonly unit: string;
  /** Counts the computes and attempts of that process from 1; 0: the unit itself, such as the top level of a module. */
  readonly work: number;
  /** The name of the sense or role; empty for the unit itself. */
  readonly subject: string;
}

/**
 * Recognizes a workspace for as long as its programs can live: a reboot, which may change these numbers, ends them all.
 */
export function identifyWorkspace(folder: string): string {
  const { dev, ino } = Deno.statSync(folder);
  return `${dev}-${ino}`;
}

/** The part that all marks of one process share. What follows it is given by `formatWork`. */
export function formatProcessMark(
  { workspace, owner, process, kind, unit }: Omit<ProgramMark, "work" | "subject">,
): string {
  return `${workspace}.${owner.pid}-${owner.startTime}.${process}.${kind}.${unit}`;
}

/** `subject` may hold anything. */
export function formatWork(work: number, subject: string): string {
  return `.${work}.${encodeURIComponent(subject.toWellFormed()).replaceAll(".", "%2E")}`;
}

/** Null when it is no mark. */
export function parseMark(text: string): ProgramMark | null {
  const [workspace = "", owner = "", process, kind = "", unit = "", work, subject, ...rest] = text.split(".");
  const [pid, startTime = ""] = owner.split("-");
  if (subject === undefined || rest.length > 0) return null;
  try {
    return {
      workspace,
      owner: { pid: Number(pid), startTime },
      process: Number(process),
      kind,
      unit,
      work: Number(work),
      subject: decodeURIComponent(subject),
    };
  } catch {
    // Not our encoding.
    return null;
  }
}
