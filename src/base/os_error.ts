/**
 * Explains errors of the operating system to the operator: a folder that may not be written, a disk that is full. They
 * are not bugs of nerve. Used where errors are printed: cli/render/terminal.ts, daemon/kernel_process.ts.
 */
import { messageOf, NerveError } from "./errors.ts";

export interface OsError {
  /** One line: what failed, and where. */
  readonly message: string;
  /** One line: what to do. */
  readonly hint: string;
}

/** Texts by the system's error code. docs/errors.md lists them. */
export const osErrorTexts: Readonly<Record<string, readonly [text: string, hint: string]>> = {
  EACCES: ["permission denied", "Give this user access to it (ls -ld shows who has it), or use another folder"],
  EPERM: ["the system does not permit this", "Run nerve as the user that owns it, or use another folder"],
  EROFS: ["the file system is read-only", "nerve writes into the workspace: mount it writable, or use another folder"],
  ENOSPC: ["no space is left", "Free some space (df -h shows how much there is), then run the command again"],
  EDQUOT: ["the disk quota is used up", "Free some space (quota shows how much there is), then run the command again"],
  ENOTDIR: ["a file is where a folder should be", "Choose another path, or move the file away"],
  EEXIST: ["something is there already", "Choose another path, or move it away"],
  ENOTEMPTY: ["a folder is in the way, and it is not empty", "Move the folder away"],
  EISDIR: ["a folder is where a file should be", "Choose another path, or move the folder away"],
  ENOENT: ["there is no such file or folder", "Check the path; its parent folder must exist"],
  ENAMETOOLONG: ["the name is too long", "Choose a shorter path"],
  ELOOP: ["symbolic links form a circle", "Choose another path, or fix the links"],
  EIO: ["the system could not read or write", "The disk may be failing; dmesg may say more"],
  EMFILE: ["too many files are open", "Raise the limit: ulimit -n"],
  EAGAIN: ["no more processes or threads are allowed", "Raise the limit: ulimit -u, TasksMax of its systemd unit"],
  ENOMEM: ["no memory is left", "End some programs, or give the machine or its container more memory"],
  ENFILE: ["too many files are open on this machine", "Close some programs, then run the command again"],
};

/** Returns null for any other error: a bug, or a Deno permission that nerve did not request. */
export function toOsError(thrown: unknown): OsError | null {
  if (!(thrown instanceof Error) || thrown instanceof Deno.errors.NotCapable) return null;
  const code: unknown = Reflect.get(thrown, "code");
  const known = typeof code === "string" && Object.hasOwn(osErrorTexts, code) ? osErrorTexts[code] : undefined;
  if (known === undefined) return null;
  const [text, hint] = known, what = findOperation(messageOf(thrown));
  return { message: what === "" ? text : `${text}: ${what}`, hint };
}

/** Whether this process, or the machine, has no file descriptor left. */
export function isOutOfDescriptors(thrown: unknown): boolean {
  const code = thrown instanceof Error ? Reflect.get(thrown, "code") : null;
  return code === "EMFILE" || code === "ENFILE";
}

/** The error in one line, with a hint if there is one. */
export function describeSystemError(thrown: unknown): string {
  const known = thrown instanceof NerveError
    ? { message: `${thrown.code}: ${thrown.message}`, hint: thrown.hint }
    : null;
  const { message, hint } = known ?? toOsError(thrown) ?? { message: messageOf(thrown), hint: null };
  return hint === null ? message : `${message} (${hint[0]?.toLowerCase()}${hint.slice(1)})`;
}

/** Deno writes "Not a directory (os error 20): mkdir '/a'", its Node layer "ENOENT: no such file, open '/a'". */
function findOperation(message: string): string {
  const [, deno] = /\(os error \d+\)(?:: (.+))?$/.exec(message) ?? [];
  if (deno !== undefined) return deno;
  const [, node] = /^E[A-Z0-9]+: .*?, (.+)$/.exec(message) ?? [];
  if (node !== undefined) return node;
  return message.includes("(os error ") ? "" : message;
}
