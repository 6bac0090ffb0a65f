/**
 * The mark that programs started by user code carry in their environment. It names the compute or attempt, and the
 * process, that started them, so that all of them can be found when it ends: a program may start others, leave its
 * process group, and outlive its parent, but it keeps its environment.
 * A mark proves nothing about its author: a program that carries it is ended together with what it names. It cannot be
 * put on a process that does not descend from the marked one.
 */

/** The variable that holds the mark. */
export const markVariable = "NERVE_STARTED_BY";

/** A mark, taken apart. */
export interface ProgramMark {
  /** The identity of the workspace's folder; see `identifyWorkspace`. */
  readonly workspace: string;
  /** The process that started the unit's process: a kernel, or a command that loads code on trial. */
  readonly owner: { readonly pid: number; readonly startTime: string };
  /** The number of the process among the owner's. */
  readonly process: number;
  readonly kind: string;
  readonly unit: string;
  /** Counts the computes and attempts of that process from 1; 0: the unit itself, such as the top level of a module. */
  readonly work: number;
  /** The name of the sense or role; empty for the unit itself. */
  readonly subject: string;
}

/**
 * Identifies a workspace for as long as its programs can live: a reboot, which may change these numbers, ends them all.
 */
export function identifyWorkspace(folder: string): string {
  const { dev, ino } = Deno.statSync(folder);
  return `${dev}-${ino}`;
}

/** The part that all marks of one process share; `formatWork` gives the rest. */
export function formatProcessMark(
  { workspace, owner, process, kind, unit }: Omit<ProgramMark, "work" | "subject">,
): string {
  return `${workspace}.${owner.pid}-${owner.startTime}.${process}.${kind}.${unit}`;
}

/** `subject` may hold anything. */
export function formatWork(work: number, subject: string): string {
  return `.${work}.${encodeURIComponent(subject.toWellFormed()).replaceAll(".", "%2E")}`;
}

/** Null when the text is not a mark. */
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
