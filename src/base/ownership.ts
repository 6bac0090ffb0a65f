/**
 * Whether another user could have made, or could change, what is at a path: the same question as git's
 * `safe.directory`, asked of everything that nerve loads or runs. Used by config/trust.ts, and for folders of backups
 * and upgrades.
 * I1. Nothing is opened: a file of another user may be a pipe that never answers.
 * I2. A user who may replace a folder on the way may replace everything below it: each folder is checked, with links
 *     resolved.
 * I3. Trusted are root and this user, under sudo also the calling user, and the folders that $NERVE_TRUST names.
 */
import { dirname, isAbsolute, join, relative } from "node:path";
import { isMissing } from "./if_present.ts";

/** Folders whose owners and modes do not matter, separated by `:`. */
export const trustVariable = "NERVE_TRUST";

export interface Trust {
  readonly uids: ReadonlySet<number>;
  /** Real paths. */
  readonly folders: readonly string[];
}

export interface OwnershipFault {
  readonly path: string;
  /** The rest of a sentence that begins with the path. */
  readonly why: string;
  /** The command or action that fixes it. */
  readonly remedy: string;
}

export function readTrust(env: (name: string) => string | undefined = (name) => Deno.env.get(name)): Trust {
  const uid = Deno.uid() ?? 0, sudo = env("SUDO_UID") ?? "";
  const uids = new Set([0, uid]);
  if (uid === 0 && /^\d+$/.test(sudo)) uids.add(Number(sudo));
  const named = (env(trustVariable) ?? "").split(":").filter(isAbsolute);
  return { uids, folders: named.map((folder) => resolveReal(folder) ?? folder) };
}

/**
 * The first fault on the way to `path`, or of the file or folder itself. A missing path is judged by its nearest
 * folder.
 */
export function findOwnershipFault(path: string, trust: Trust): OwnershipFault | null {
  const real = resolveExisting(path);
  if (trust.folders.some((folder) => isWithin(folder, real))) return null;
  const folders: string[] = [];
  for (let folder = dirname(real); folders[0] !== folder; folder = dirname(folder)) folders.unshift(folder);
  for (const folder of folders) {
    const fault = judge(folder, trust, "on the way");
    if (fault !== null) return fault;
  }
  return judge(path, trust, "itself") ?? (real === path ? null : judge(real, trust, "itself"));
}

/**
 * Finds faults below a folder that was checked before, up to `entriesMax` entries; links are followed. Entries named in
 * `skip` are left out.
 */
export function* findFaultsBelow(
  folder: string,
  trust: Trust,
  entriesMax: number,
  skip: readonly string[] = [],
): Generator<OwnershipFault> {
  const waiting = [folder], seen = new Set<string>();
  for (let left = entriesMax; waiting.length > 0;) {
    const each = waiting.pop() ?? folder, real = resolveReal(each) ?? each;
    if (seen.has(real) || trust.folders.some((trusted) => isWithin(trusted, real))) continue;
    seen.add(real);
    for (const entry of listEntries(each)) {
      if (left-- <= 0) return;
      const path = join(each, entry.name);
      if (skip.includes(entry.name)) continue;
      const fault = entry.isSymlink ? findOwnershipFault(path, trust) : judge(path, trust, "itself");
      if (fault !== null) yield fault;
      else if (entry.isDirectory || (entry.isSymlink && isFolder(path))) waiting.push(path);
    }
  }
}

function judge(path: string, trust: Trust, as: "on the way" | "itself"): OwnershipFault | null {
  const info = inspect(path);
  if (info === null) return null;
  const { uid, gid } = info, mode = info.mode ?? 0;
  if (uid !== null && !trust.uids.has(uid)) {
    const remedy = as === "itself" ? `chown -R ${Deno.uid()} ${path}` : "move it into a folder of yours";
    return { path, why: `belongs to another user (uid ${uid})`, remedy };
  }
  // The target of a link is judged separately. In a sticky folder, such as /tmp, users cannot move what others own.
  if (info.isSymlink || (as === "on the way" && (mode & 0o1000) !== 0)) return null;
  const shown = `(mode ${(mode & 0o7777).toString(8).padStart(4, "0")})`,
    remedy = `chmod ${as === "itself" ? "-R " : ""}go-w ${path}`;
  if ((mode & 0o002) !== 0) return { path, why: `may be changed by every user ${shown}`, remedy };
  if ((mode & 0o020) === 0 || gid === null || isPrivateGroup(gid, trust)) return null;
  return { path, why: `may be changed by the group ${gid} ${shown}`, remedy };
}

/** Whether all members of the group are trusted users, as in the group that many systems make for each user. */
function isPrivateGroup(gid: number, { uids }: Trust): boolean {
  const users = readTable("/etc/passwd"), group = readTable("/etc/group").find((fields) => Number(fields[2]) === gid);
  if (group === undefined) return false;
  const members = (group[3] ?? "").split(",").filter((name) => name !== "");
  const uidsIn = users.filter(([name = "", , , primary]) => Number(primary) === gid || members.includes(name));
  const known = members.every((member) => users.some(([name]) => name === member));
  return known && uidsIn.every((fields) => uids.has(Number(fields[2])));
}

function readTable(path: string): string[][] {
  try {
    return Deno.readTextFileSync(path).split("\n").filter((line) => line !== "").map((line) => line.split(":"));
  } catch (thrown) {
    if (isMissing(thrown)) return [];
    throw thrown;
  }
}

/** The real path; for a missing path, relative to the real path of its nearest folder. */
function resolveExisting(path: string): string {
  const real = resolveReal(path);
  return real ?? (dirname(path) === path ? path : join(resolveExisting(dirname(path)), relative(dirname(path), path)));
}

/** Null when there is nothing, or this user may not search the way to it. */
function resolveReal(path: string): string | null {
  return unlessHidden(() => Deno.realPathSync(path));
}

function inspect(path: string): Deno.FileInfo | null {
  return unlessHidden(() => Deno.lstatSync(path));
}

function isFolder(path: string): boolean {
  return unlessHidden(() => Deno.statSync(path).isDirectory) ?? false;
}

function listEntries(folder: string): Deno.DirEntry[] {
  return unlessHidden(() => [...Deno.readDirSync(folder)]) ?? [];
}

/** Null for a path that this user may not inspect: nerve cannot load it either. */
function unlessHidden<T>(look: () => T): T | null {
  try {
    return look();
  } catch (thrown) {
    if (isMissing(thrown) || thrown instanceof Deno.errors.PermissionDenied) return null;
    // The links form a circle.
    if (thrown instanceof Deno.errors.FilesystemLoop) return null;
    throw thrown;
  }
}

function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === "" || !(way === ".." || way.startsWith("../"));
}
