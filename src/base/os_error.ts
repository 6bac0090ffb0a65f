/**
 * What the operating system refuses, in words for the operator: a folder that may not be written, a disk that is full.
 * Such an error is the world's and no bug of nerve. Used where errors are printed: cli/render/terminal.ts, daemon/kernel_process.ts.
 */
import { messageOf } from "./errors.ts";

export interface OsError {
  /** One line: what failed, and on what. */
  readonly message: string;
  /** One line: what to do. */
  readonly hint: string;
}

/** By the code that the system gives. docs/errors.md lists them. */
export const osErrorTexts: Readonly<Record<string, readonly [says: string, hint: string]>> = {
  EACCES: ["Permission denied", "Give this user access to it (ls -ld shows who has it), or use another folder"],
  EPERM: ["The system does not permit this", "Run nerve as the user that owns it, or use another folder"],
  EROFS: ["The file system is read-only", "nerve writes into the workspace: mount it writable, or use another folder"],
  ENOSPC: ["No space is left", "Free some space (df -h shows how much there is), then run the command again"],
  EDQUOT: ["The disk quota is used up", "Free some space (quota shows how much there is), then run the command again"],
  ENOTDIR: ["A file is where a folder should be", "Choose another path, or move the file away"],
  EEXIST: ["Something is there already", "Choose another path, or move it away"],
  ENOTEMPTY: ["A folder is in the way, and it is not empty", "Move the folder away"],
  EISDIR: ["A folder is where a file should be", "Choose another path, or move the folder away"],
  ENOENT: ["There is no such file or folder", "Check the path; what is above it must be there"],
  ENAMETOOLONG: ["The name is too long", "Choose a shorter path"],
  ELOOP: ["Links lead in a circle", "Choose another path, or mend the links"],
  EIO: ["The system could not read or write", "The disk may be failing; dmesg may say more"],
  EMFILE: ["Too many files are open", "Raise the limit: ulimit -n"],
  ENFILE: ["Too many files are open on this machine", "Close some programs, then run the command again"],
};

/** Null for what is no refusal of the operating system: a bug, or a permission of Deno's that nerve did not ask for. */
export function toOsError(thrown: unknown): OsError | null {
  if (!(thrown instanceof Error) || thrown instanceof Deno.errors.NotCapable) return null;
  const code: unknown = Reflect.get(thrown, "code");
  const known = typeof code === "string" && Object.hasOwn(osErrorTexts, code) ? osErrorTexts[code] : undefined;
  if (known === undefined) return null;
  const [says, hint] = known, what = findOperation(messageOf(thrown));
  return { message: what === "" ? says : `${says}: ${what}`, hint };
}

/** Deno says "Not a directory (os error 20): mkdir '/a'", its Node part "ENOENT: no such file or directory, open '/a'". */
function findOperation(message: string): string {
  const [, deno] = /\(os error \d+\)(?:: (.+))?$/.exec(message) ?? [];
  if (deno !== undefined) return deno;
  const [, node] = /^E[A-Z0-9]+: .*?, (.+)$/.exec(message) ?? [];
  if (node !== undefined) return node;
  return message.includes("(os error ") ? "" : message;
}
