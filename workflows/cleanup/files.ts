/**
 * Finds and removes old files without ever leaving the folder. Used by index.ts.
 * Every step checks what really is there (`lstat`, real paths): a link in place of a folder is not followed.
 */

export interface OldFile {
  /** Relative to the folder. */
  readonly path: string;
  readonly bytes: number;
}

export interface Search {
  readonly folder: string;
  /** Matched against the file's name: `*` stands for any characters, `?` for one. */
  readonly pattern: string;
  /** Files changed at or after this time, in milliseconds, are not old. */
  readonly before: number;
  readonly filesMax: number;
}

/** The list is part of a message, whose `meta` may have 256 KiB. */
const listMaxBytes = 128 * 1024;

/**
 * Returns regular files in order of their names, folder by folder. `more`: one of the limits ended the search.
 * `missing`: the folder does not exist, and so contains no files.
 */
export async function findOldFiles(
  { folder, pattern, before, filesMax }: Search,
  signal: AbortSignal,
): Promise<{ files: OldFile[]; more: boolean; missing: boolean }> {
  const wanted = createNameMatcher(pattern);
  const files: OldFile[] = [];
  if (await lstatOrNull(folder) === null) return { files, more: false, missing: true };
  const waiting = [""];
  let listBytes = 0;
  for (let inside = waiting.pop(); inside !== undefined; inside = waiting.pop()) {
    const folders: string[] = [];
    for (const entry of await readSortedEntries(`${folder}/${inside}`, inside === "")) {
      signal.throwIfAborted();
      const path = inside + entry.name;
      if (entry.isDirectory) folders.push(`${path}/`);
      if (!entry.isFile || !wanted.test(entry.name)) continue;
      const info = await lstatOrNull(`${folder}/${path}`);
      if (info === null || !isOldFile(info, before)) continue;
      const file: OldFile = { path, bytes: info.size };
      listBytes += new TextEncoder().encode(JSON.stringify(file)).length + 1;
      if (files.length === filesMax || listBytes > listMaxBytes) return { files, more: true, missing: false };
      files.push(file);
    }
    waiting.push(...folders.reverse());
  }
  return { files, more: false, missing: false };
}

/** Removes one file that the search found, unless it has changed since. */
export async function removeFile(
  folder: string,
  { path, bytes }: OldFile,
  before: number,
): Promise<"removed" | "gone" | { kept: string }> {
  if (path.startsWith("/") || path.split("/").includes("..")) return { kept: "its path leaves the folder" };
  const whole = `${folder}/${path}`;
  const info = await lstatOrNull(whole);
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

/** Null when the file, or a folder on its path, is gone. */
async function lstatOrNull(path: string): Promise<Deno.FileInfo | null> {
  try {
    return await Deno.lstat(path);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound || thrown instanceof Deno.errors.NotADirectory) return null;
    throw thrown;
  }
}

/** A subfolder that vanished or cannot be read counts as empty; the configured one must be readable. */
async function readSortedEntries(path: string, isRoot: boolean): Promise<Deno.DirEntry[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(path));
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (thrown) {
    const isUnreadable = thrown instanceof Deno.errors.NotFound || thrown instanceof Deno.errors.PermissionDenied;
    if (isUnreadable && !isRoot) return [];
    throw thrown;
  }
}

function createNameMatcher(pattern: string): RegExp {
  const escaped = pattern.replaceAll(/[.+^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll(/\*+/g, ".*").replaceAll("?", ".")}$`, "su");
}
