/**
 * Looks for symbolic links inside granted folders that lead out of them: Deno follows them, so that the grant is larger
 * than it says. Used by check_grants.ts.
 * They are warned about and not refused: `current -> releases/7` is how much of a machine is laid out, and a refusal at
 * the start would not hold for a link that somebody makes later. Code in the sandbox cannot make one: for that Deno
 * wants read and write of everything.
 */
import { join, relative } from "node:path";
import { pathContains } from "./path_contains.ts";

/** Entries and levels of one folder that are looked at: a grant may cover a whole disk. */
const entriesMax = 2_000, levelsMax = 6;
/** Made of links, all of them the system's own. */
const madeOfLinks = ["/proc", "/sys", "/dev"];

export interface LinkOut {
  /** Below the granted folder. */
  readonly link: string;
  /** Where it really leads. */
  readonly target: string;
}

/** The links below `folder` that lead out of it, as far as was looked. None for what is no folder or cannot be read. */
export async function findLinksOut(folder: string): Promise<LinkOut[]> {
  if (folder === "/" || madeOfLinks.some((each) => pathContains(each, folder))) return [];
  const found: LinkOut[] = [], real = await resolveIfReadable(folder);
  if (real === null) return [];
  let left = entriesMax;
  let level = [folder];
  for (let depth = 0; depth < levelsMax && level.length > 0; depth++) {
    const next: string[] = [];
    for (const each of level) {
      for (const entry of listEntriesIfReadable(each)) {
        if (left-- <= 0) return found;
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
    // No folder, gone, or not ours to look into: then the sandbox, with no more rights, cannot either.
    return [];
  }
}

async function resolveIfReadable(path: string): Promise<string | null> {
  try {
    return await Deno.realPath(path);
  } catch {
    // A link to nowhere leads nowhere.
    return null;
  }
}
