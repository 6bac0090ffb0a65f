/**
 * Scans everything that belongs to a pattern: the paths, and for each a mark that changes when it changes. Used by
 * watch.ts; reads names, sizes and times, never contents.
 * I1. Nothing is scanned that the sense may not read, wherever links lead: links below a watched folder are not
 *     followed, and a folder that was replaced by a link while it was read is ignored.
 * I2. The kernel's event loop is never blocked: the file system may be slow, or hang.
 */
import { dirname, join } from "node:path";
import { messageOf } from "../base/errors.ts";
import { isMissing } from "../base/if_present.ts";
import { matchesPattern, pathBelow, type PathPattern } from "../base/path_pattern.ts";

export interface PathScan {
  /** The mark of each path. */
  readonly marks: Map<string, number>;
  /** Folders whose events may indicate a change. */
  readonly folders: Set<string>;
  /** Paths whose times are at or after `since`. */
  readonly recent: string[];
  /** False: there are more paths than a watch remembers. */
  complete: boolean;
  /** Why the scan is incomplete; null when nothing failed. */
  problem: string | null;
}

export interface ScanLimits {
  readonly pathsMax: number;
  readonly readable: readonly string[] | null;
  readonly ownFolders: readonly string[];
  /** The time, in wall milliseconds, from which on a change is `recent`. */
  readonly since: number;
}

const atOnce = 64, depthMax = 64;

export async function scanPaths(patterns: readonly PathPattern[], limits: ScanLimits): Promise<PathScan> {
  const look: PathScan = { marks: new Map(), folders: new Set(), recent: [], complete: true, problem: null };
  for (const pattern of patterns) await lookAtPattern(pattern, look, limits);
  return look;
}

/** A digest that stays equal while nothing that belongs to the patterns changes, in whatever order it was found. */
export function digestOf({ marks }: PathScan): string {
  let low = 0, high = 0;
  for (const [path, mark] of marks) {
    const hash = hashText(`${path}\0${mark}`);
    low = (low + hash % 0x100000000) >>> 0;
    high = (high + Math.floor(hash / 0x200000)) >>> 0;
  }
  return `${marks.size} ${low} ${high}`;
}

async function lookAtPattern(pattern: PathPattern, look: PathScan, limits: ScanLimits): Promise<void> {
  const { base } = pattern;
  const found = await findBase(base, look);
  if (found === null) return;
  const { real, info, isLink } = found, refused = await whyRefused(real, limits);
  if (refused !== null) return void (look.problem ??= `${pattern.text} ${refused}`);
  // Only the folder around it gets an event when a file is replaced, or a link leads elsewhere.
  if (isLink || !info.isDirectory) look.folders.add(dirname(base));
  if (info.isDirectory) return await lookInto({ pattern, look, limits, path: base, real, level: 0 });
  if (pattern.glob === null) note(base, info, look, limits);
}

async function findBase(base: string, look: PathScan) {
  try {
    const { isSymlink: isLink } = await Deno.lstat(base);
    return { real: await Deno.realPath(base), info: await Deno.stat(base), isLink };
  } catch (thrown) {
    if (isMissing(thrown)) look.folders.add(await findExisting(dirname(base)));
    else look.problem ??= `${base} cannot be read: ${messageOf(thrown)}`;
    return null;
  }
}

/** The nearest existing folder above: the watched path will appear below it. */
async function findExisting(folder: string): Promise<string> {
  for (let at = folder;; at = dirname(at)) {
    try {
      if ((await Deno.stat(at)).isDirectory || at === "/") return at;
    } catch (thrown) {
      if (!isMissing(thrown) || at === "/") return at;
    }
  }
}

async function whyRefused(real: string, { readable, ownFolders }: ScanLimits): Promise<string | null> {
  if (ownFolders.some((own) => pathBelow(own, real) !== null)) return "leads to where nerve itself writes";
  if (readable === null) return null;
  for (const granted of readable) {
    if (pathBelow(granted, real) !== null) return null;
    const other = await Deno.realPath(granted).catch(() => granted);
    if (pathBelow(other, real) !== null) return null;
  }
  return `leads to ${real}, which the sense may not read`;
}

interface Walk {
  readonly pattern: PathPattern;
  readonly look: PathScan;
  readonly limits: ScanLimits;
  readonly path: string;
  readonly real: string;
  readonly level: number;
}

async function lookInto({ pattern, look, limits, path, real, level }: Walk): Promise<void> {
  const entries = await readFolder(path, real, look);
  if (entries === null || limits.ownFolders.includes(real)) return;
  look.folders.add(path);
  const folders: string[] = [], others: string[] = [];
  for (const { name, isDirectory } of entries) (isDirectory ? folders : others).push(name);
  for (let at = 0; at < others.length && look.complete; at += atOnce) {
    const wanted = others.slice(at, at + atOnce).map((name) => join(path, name));
    await Promise.all(
      wanted.filter((each) => matchesPattern(pattern, each)).map(async (each) => {
        const info = await inspect(each, look);
        if (info !== null) note(each, info, look, limits);
      }),
    );
  }
  for (const name of folders) {
    const each = join(path, name);
    // Only the existence of a folder counts: its times just follow its entries.
    if (matchesPattern(pattern, each)) note(each, null, look, limits);
    // `**` does not enter folders whose names begin with a dot.
    const isHidden = pattern.glob !== null && name.startsWith(".") && pattern.levels === Infinity;
    if (level + 1 >= pattern.levels || isHidden || !look.complete) continue;
    if (level >= depthMax) look.problem ??= `${path} is more than ${depthMax} folders deep`;
    else await lookInto({ pattern, look, limits, path: each, real: join(real, name), level: level + 1 });
  }
}

async function readFolder(path: string, real: string, look: PathScan): Promise<Deno.DirEntry[] | null> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(path));
    return await Deno.realPath(path) === real ? entries : null;
  } catch (thrown) {
    if (!isMissing(thrown)) look.problem ??= `${path} cannot be read: ${messageOf(thrown)}`;
    return null;
  }
}

async function inspect(path: string, look: PathScan): Promise<Deno.FileInfo | null> {
  try {
    return await Deno.lstat(path);
  } catch (thrown) {
    if (!isMissing(thrown)) look.problem ??= `${path} cannot be read: ${messageOf(thrown)}`;
    return null;
  }
}

/** Records the mark of a path. `info` null: a folder. */
function note(path: string, info: Deno.FileInfo | null, look: PathScan, { pathsMax, since }: ScanLimits): void {
  if (look.marks.size >= pathsMax && !look.marks.has(path)) return void (look.complete = false);
  if (info === null) return void look.marks.set(path, 0);
  const mtime = info.mtime?.getTime() ?? 0, ctime = info.ctime?.getTime() ?? mtime;
  look.marks.set(path, hashText(`${info.dev} ${info.ino} ${info.size} ${mtime} ${ctime}`));
  if (Math.max(mtime, ctime) >= since) look.recent.push(path);
}

/** A hash of 53 bits, so that it fits into a number. */
function hashText(text: string): number {
  let a = 0xdeadbeef, b = 0x41c6ce57;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    a = Math.imul(a ^ code, 2654435761);
    b = Math.imul(b ^ code, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return 0x100000000 * (0x1fffff & b) + (a >>> 0);
}
