/**
 * Verifies that a process is what a file in the workspace claims. Called by discovery.ts before a command relies on a
 * daemon, and so before it signals one. Reads /proc; on systems without it, the pid alone must suffice.
 */
import { isMissing } from "../base/if_present.ts";
import { readTrust } from "../base/ownership.ts";
import { supervisorArgument } from "./arguments.ts";

/**
 * Whether the process holds the workspace's lock, as a kernel does until it ends. Also true where the system does not
 * let us look: the process then belongs to another user, and no signal of ours reaches it.
 */
export function holdsLock(pid: number, lockFile: string): boolean {
  const lock = look(() => Deno.statSync(lockFile));
  let names: string[];
  try {
    names = [...Deno.readDirSync(`/proc/${pid}/fd`)].map(({ name }) => name);
  } catch (thrown) {
    if (isMissing(thrown)) return !hasProc();
    return thrown instanceof Deno.errors.PermissionDenied;
  }
  return names.some((name) => {
    const target = look(() => Deno.readLinkSync(`/proc/${pid}/fd/${name}`)) ?? "";
    // Most descriptors lead elsewhere; one call rules each of them out. The lock file may have another path here.
    if (!/nerve\.lock( \(deleted\))?$/.test(target)) return false;
    const file = look(() => Deno.statSync(`/proc/${pid}/fd/${name}`));
    if (file === null || file.ino !== lock?.ino || file.dev !== lock.dev) return false;
    // A process that only reads the file, such as `tail`, holds no lock on it.
    return /^lock:.*FLOCK.*WRITE/m.test(look(() => Deno.readTextFileSync(`/proc/${pid}/fdinfo/${name}`)) ?? "");
  });
}

/** Whether the process was started as the supervisor of this workspace. */
export function isSupervisorOf(pid: number, root: string): boolean {
  const words = readWords(pid), at = words.indexOf(supervisorArgument);
  return words.length === 0 ? !hasProc() : at >= 0 && words[at + 1] === root && isOwn(pid);
}

/** Whether the process runs as this user or as a trusted one. */
export function isOwn(pid: number): boolean {
  const { uid } = look(() => Deno.statSync(`/proc/${pid}`)) ?? {};
  return typeof uid === "number" && (uid === Deno.uid() || readTrust().uids.has(uid));
}

/** The command line of a process; empty when the process has ended or belongs to another user. */
export function readWords(pid: number): string[] {
  return look(() => Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0").slice(0, -1)) ?? [];
}

function hasProc(): boolean {
  return look(() => Deno.statSync("/proc/self/stat")) !== null;
}

function look<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    // The process has ended, or belongs to another user.
    return null;
  }
}
