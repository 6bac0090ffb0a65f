/** Lists the files of a folder, bounded in number. Used by index.ts. Symbolic links are neither followed nor listed. */

export interface FoundFile {
  /** Relative to the folder. */
  readonly path: string;
  readonly bytes: number;
  readonly modifiedMs: number;
  /** Distinguishes a file from another one that took its name; null where the system does not provide it. */
  readonly inode: number | null;
}

export interface Listing {
  readonly files: readonly FoundFile[];
  /** Number of files that are only counted: Deno cannot open a file whose name is not UTF-8. */
  readonly unnamed: number;
  /** Whether there are more entries than were read. */
  readonly more: boolean;
}

export interface Search {
  readonly folder: string;
  /** Tests the name of a file. */
  readonly fits: (name: string) => boolean;
  readonly recursive: boolean;
  readonly entriesMax: number;
}

/** Returns a text when there is no list: it describes the problem with the folder. */
export async function listFiles(search: Search, signal: AbortSignal): Promise<Listing | string> {
  const { folder, fits, recursive, entriesMax } = search;
  const files: FoundFile[] = [], waiting = [""];
  let unnamed = 0, entries = 0;
  for (let inside = waiting.pop(); inside !== undefined; inside = waiting.pop()) {
    const listed = await readEntries(`${folder}/${inside}`, inside === "", entriesMax - entries + 1);
    if (typeof listed === "string") return listed;
    for (const { name, isDirectory, isFile } of listed) {
      signal.throwIfAborted();
      if (++entries > entriesMax) return { files, unnamed, more: true };
      if (isDirectory && recursive) waiting.push(`${inside}${name}/`);
      if (!isFile || !fits(name)) continue;
      const info = await lstatIfThere(`${folder}/${inside}${name}`);
      if (info?.isFile) files.push(toFound(`${inside}${name}`, info));
      else if (info === null && name.includes("\uFFFD")) unnamed++;
    }
  }
  return { files, unnamed, more: false };
}

function toFound(path: string, { size, mtime, ino }: Deno.FileInfo): FoundFile {
  return { path, bytes: size, modifiedMs: mtime?.getTime() ?? 0, inode: ino };
}

/** A subfolder that vanished or cannot be read counts as empty. Returns a text when the folder itself fails. */
async function readEntries(path: string, isRoot: boolean, max: number): Promise<Deno.DirEntry[] | string> {
  const entries: Deno.DirEntry[] = [];
  try {
    for await (const entry of Deno.readDir(path)) {
      entries.push(entry);
      if (entries.length >= max) break;
    }
  } catch (thrown) {
    const isNone = thrown instanceof Deno.errors.NotADirectory, isGone = thrown instanceof Deno.errors.NotFound;
    if (isRoot && isNone) return "it is not a folder";
    if (isRoot && isGone) return "there is no such folder";
    if (isRoot || !(isGone || isNone || thrown instanceof Deno.errors.PermissionDenied)) throw thrown;
  }
  return entries;
}

/** Null when the file vanished since it was listed. */
async function lstatIfThere(path: string): Promise<Deno.FileInfo | null> {
  try {
    return await Deno.lstat(path);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound || thrown instanceof Deno.errors.NotADirectory) return null;
    throw thrown;
  }
}

/** `*` stands for any characters, `?` for one. */
export function createNameTest(pattern: string): (name: string) => boolean {
  const escaped = pattern.replaceAll(/[.+^${}()|[\]\\]/g, "\\$&");
  const found = new RegExp(`^${escaped.replaceAll(/\*+/g, ".*").replaceAll("?", ".")}$`, "su");
  return (name) => found.test(name);
}
