/**
 * Finds what in a granted folder makes the grant larger than it says: symbolic links, which Deno follows (measured,
 * Deno 2.9.6); files that have other names elsewhere; workspaces and repositories. Used by check_grants.ts.
 * Links out are a warning unless they lead to something protected: many systems are laid out with links such as
 * `current -> releases/7`, and a check at the start misses links made later. Code in the sandbox cannot make a link:
 * Deno requires read and write of everything for that. But it may move one, and a relative link then leads elsewhere.
 */
import { join, relative, resolve } from "node:path";
import { pathContains } from "./path_contains.ts";

/** The most entries and levels searched below one folder: a grant may cover a whole disk. */
const entriesMax = 2_000, levelsMax = 6;
/** System folders full of links. */
const linkFolders = ["/proc", "/sys", "/dev"];

export interface LinkOut {
  /** The path of the link below the granted folder. */
  readonly link: string;
  /** The real path to which it leads. */
  readonly target: string;
}

export interface GrantedFolder {
  readonly linksOut: readonly LinkOut[];
  /** Where relative links could lead after a move within the folders of `roots`, or to their top. */
  readonly movable: readonly LinkOut[];
  /** Folders of other workspaces, and `.git` entries. */
  readonly workspaces: readonly string[];
  readonly repositories: readonly string[];
  /** Files with more than one name, by device and inode. */
  readonly shared: readonly { readonly path: string; readonly id: string }[];
}

const nothing: GrantedFolder = { linksOut: [], movable: [], workspaces: [], repositories: [], shared: [] };

/**
 * Searches up to the limits. Finds nothing for a path that is not a readable folder. `roots`: what may be written with
 * it, besides `blobs`, which every unit may write. What lies beside `blobs` is nerve's own, and counts where it exists.
 */
export async function lookIntoFolder(
  folder: string,
  roots: readonly string[],
  blobs: string,
): Promise<GrantedFolder> {
  if (folder === "/" || linkFolders.some((each) => pathContains(each, folder))) return nothing;
  const real = await resolveIfReadable(folder);
  if (real === null) return nothing;
  const found = {
    linksOut: [] as LinkOut[],
    movable: [] as LinkOut[],
    workspaces: [] as string[],
    repositories: [] as string[],
    shared: [] as { path: string; id: string }[],
  };
  let remaining = entriesMax, level = [folder];
  for (let depth = 0; depth < levelsMax && level.length > 0; depth++) {
    const next: string[] = [];
    for (const each of level) {
      for (const entry of listEntriesIfReadable(each)) {
        if (remaining-- <= 0) return found;
        const path = join(each, entry.name), link = relative(folder, path);
        if (entry.isDirectory) next.push(path);
        if (entry.name === "nerve.yaml" && !entry.isDirectory) found.workspaces.push(each);
        if (entry.name === ".git") found.repositories.push(path);
        if (entry.isFile) found.shared.push(...identifyShared(path));
        if (!entry.isSymlink) continue;
        const target = await resolveIfReadable(path);
        if (target !== null && !pathContains(real, target)) found.linksOut.push({ link, target });
        const beside = listMoved(path, [blobs]).filter((moved) => inspectIfThere(moved) !== null);
        found.movable.push(...[...listMoved(path, roots), ...beside].map((moved) => ({ link, target: moved })));
      }
    }
    level = next;
  }
  return found;
}

/** Where a relative link could lead outside of `roots`: at the top of a granted folder, every `..` leads out of it. */
function listMoved(link: string, roots: readonly string[]): string[] {
  const text = readLinkIfThere(link) ?? "";
  if (text.startsWith("/")) return [];
  const [ups = ""] = /^(\.\.?\/)*/.exec(`${text}/`) ?? [], rest = text.slice(ups.length);
  const steps = ups.split("/").filter((step) => step === "..").length;
  return roots.flatMap((root) =>
    Array.from({ length: steps }, (_, at) => resolve(root, `${"../".repeat(at + 1)}${rest}`))
  ).filter((target) => !roots.some((root) => pathContains(root, target)));
}

function identifyShared(path: string): { path: string; id: string }[] {
  const info = inspectIfThere(path);
  return info === null || (info.nlink ?? 1) < 2 ? [] : [{ path, id: `${info.dev} ${info.ino}` }];
}

/** The device and inode of every file with several names at these paths and below them. */
export function listSharedFiles(paths: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>(), waiting = [...paths];
  for (let left = entriesMax; waiting.length > 0 && left > 0; left--) {
    const path = waiting.pop() ?? "", info = inspectIfThere(path);
    if (info?.isDirectory === true) waiting.push(...listEntriesIfReadable(path).map(({ name }) => join(path, name)));
    if (info?.isFile === true && (info.nlink ?? 1) > 1) found.set(`${info.dev} ${info.ino}`, path);
  }
  return found;
}

function listEntriesIfReadable(folder: string): Deno.DirEntry[] {
  try {
    return [...Deno.readDirSync(folder)];
  } catch {
    // Not a folder, gone, or not readable: then the sandbox, with no more rights, cannot read it either.
    return [];
  }
}

async function resolveIfReadable(path: string): Promise<string | null> {
  try {
    return await Deno.realPath(path);
  } catch {
    // A dangling link.
    return null;
  }
}

function readLinkIfThere(path: string): string | null {
  try {
    return Deno.readLinkSync(path);
  } catch {
    // The link was just removed.
    return null;
  }
}

function inspectIfThere(path: string): Deno.FileInfo | null {
  try {
    return Deno.lstatSync(path);
  } catch {
    // The path is gone, or may not be inspected.
    return null;
  }
}
