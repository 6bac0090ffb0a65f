/**
 * Finds symbolic links in granted folders that lead outside: Deno follows them, so the grant is larger than it says
 * (measured, Deno 2.9.6). Used by check_grants.ts.
 * Such links cause a warning, not an error: many systems are laid out with links such as `current -> releases/7`, and a
 * check at the start would miss links made later. Code in the sandbox cannot make one: Deno requires read and write of
 * everything for that.
 */
import { join, relative } from "node:path";
import { pathContains } from "./path_contains.ts";

/** Entries and levels searched below one folder: a grant may cover a whole disk. */
const entriesMax = 2_000, levelsMax = 6;
/** System folders full of links. */
const linkFolders = ["/proc", "/sys", "/dev"];

export interface LinkOut {
  /** Its path below the granted folder. */
  readonly link: string;
  /** Its real path. */
  readonly target: string;
}

/** The links below `folder` that lead out of it, up to the limits. None for a path that is not a readable folder. */
export async function findLinksOut(folder: string): Promise<LinkOut[]> {
  if (folder === "/" || linkFolders.some((each) => pathContains(each, folder))) return [];
  const found: LinkOut[] = [], real = await resolveIfReadable(folder);
  if (real === null) return [];
  let remaining = entriesMax;
  let level = [folder];
  for (let depth = 0; depth < levelsMax && level.length > 0; depth++) {
    const next: string[] = [];
    for (const each of level) {
      for (const entry of listEntriesIfReadable(each)) {
        if (remaining-- <= 0) return found;
        const path = join(each, entry.name);
        if (entry.isDirectory) next.push(path);
        if (!entry.isSymlink) continue;
        const target = await resolveIfReadable(path);
        if (target !== null && !pathContains(real, target)) found.push({ link: relative(folder, path), target });
      }
    }
    level = next;
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
