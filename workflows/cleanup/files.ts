/**
 * Finding and removing old files without ever leaving the folder. Used by index.ts.
 * Every step looks at what is really there (`lstat`, real paths): a link that stands where a folder stood leads nowhere.
 */

export interface OldFile {
  /** Relative to the folder. */
  readonly path: string;
  readonly bytes: number;
}

export interface Search {
  readonly folder: string;
  /** For the file's name: `*` stands for any characters, `?` for one. */
  readonly pattern: string;
  /** Files changed at or after this time, in milliseconds, are not old. */
  readonly before: number;
  readonly filesMax: number;
}

/** The list travels in a message, whose data may hold 256 KiB. */
const listMaxBytes = 128 * 1024;

/** Regular files in name order, folder by folder. `more` tells that one of the limits ended the search. */
export async function findOldFiles(
  { folder, pattern, before, filesMax }: Search,
  signal: AbortSignal,
): Promise<{ files: OldFile[]; more: boolean }> {
  const wanted = nameMatcher(pattern);
  const files: OldFile[] = [];
  const waiting = [""];
  let listBytes = 0;
  for (let inside = waiting.pop(); inside !== undefined; inside = waiting.pop()) {
    const folders: string[] = [];
    for (const entry of await sortedEntries(`${folder}/${inside}`, inside === "")) {
      signal.throwIfAborted();
      const path = inside + entry.name;
      if (entry.isDirectory) folders.push(`${path}/`);
      if (!entry.isFile || !wanted.test(entry.name)) continue;
      const info = await lstat(`${folder}/${path}`);
      if (info === null || !isOldFile(info, before)) continue;
      const file: OldFile = { path, bytes: info.size };
      listBytes += new TextEncoder().encode(JSON.stringify(file)).length + 1;
      if (files.length === filesMax || listBytes > listMaxBytes) return { files, more: true };
      files.push(file);
    }
    waiting.push(...folders.reverse());
  }
  return { files, more: false };
}

/** Removes one file that the search found, unless something about it has changed since. */
export async function removeFile(
  folder: string,
  { path, bytes }: OldFile,
  before: number,
): Promise<"removed" | "gone" | { kept: string }> {
  if (path.startsWith("/") || path.split("/").includes("..")) return { kept: "its path leaves the folder" };
  const whole = `${folder}/${path}`;
  const info = await lstat(whole);
  if (info === null) return "gone";
  const parent = path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "";
  const root = await Deno.realPath(folder);
  if (await Deno.realPath(`${folder}/${parent}`) !== (parent === "" ? root : `${root}/${parent}`)) {
    return { kept: "a folder on its path has become a link" };
  }
  if (!isOldFile(info, before)) return { kept: "it has changed since the scan" };
  if (info.size !== bytes) return { kept: "its size has changed since the scan" };
  try {
    await Deno.remove(whole);
    return "removed";
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return "gone";
    if (thrown instanceof Deno.errors.PermissionDenied) return { kept: "the system does not permit it" };
    throw thrown;
  }
}

function isOldFile(info: Deno.FileInfo, before: number): boolean {
  return info.isFile && info.mtime !== null && info.mtime.getTime() < before;
}

/** Null when there is nothing, or no folder any more on the way to it. */
async function lstat(path: string): Promise<Deno.FileInfo | null> {
  try {
    return await Deno.lstat(path);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound || thrown instanceof Deno.errors.NotADirectory) return null;
    throw thrown;
  }
}

/** A folder inside that vanished or cannot be read holds nothing for us; the configured one must be there. */
async function sortedEntries(path: string, isRoot: boolean): Promise<Deno.DirEntry[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(path));
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (thrown) {
    const isUnreadable = thrown instanceof Deno.errors.NotFound || thrown instanceof Deno.errors.PermissionDenied;
    if (isUnreadable && !isRoot) return [];
    throw thrown;
  }
}

function nameMatcher(pattern: string): RegExp {
  const escaped = pattern.replaceAll(/[.+^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll(/\*+/g, ".*").replaceAll("?", ".")}$`, "su");
}
