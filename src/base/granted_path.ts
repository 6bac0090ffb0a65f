/**
 * Where the path of a grant leads, when some of the links on the way may be the work of a unit's program. Used by
 * config/permissions/check_grants.ts when nerve.yaml is read, and by process/launcher.ts when a process starts.
 * I1. A link in a folder that a unit may write counts only if it leads to a place in that folder: what lies there the unit
 *     could have moved to the path just as well. All other links are the user's.
 * I2. Nothing is opened. Whoever opens the result follows no link any more (base/landlock.ts).
 * I3. Links of /proc are left: `self` is another folder for each process. No unit makes one there.
 */
import { dirname, join } from "node:path";
import { isMissing } from "./if_present.ts";

/** Folders that units may write: as they are granted, and where they really are. */
export type ChangeableFolders = ReadonlySet<string>;

export interface GrantedPath {
  /** Without links; the end of it may be missing. */
  readonly path: string;
  /** The first link that may be the work of a unit and leads out of its folder; null: the path may be used. */
  readonly foreignLink: { readonly link: string; readonly folder: string } | null;
}

/** As many as Linux follows. */
const linksMax = 40;

export function resolveGrantedPath(path: string, changeable: ChangeableFolders): GrantedPath {
  const waiting = path.split("/").filter(isStep).reverse(), suspects: { link: string; folder: string }[] = [];
  let at = "/", links = 0;
  for (let step = waiting.pop(); step !== undefined; step = waiting.pop()) {
    if (step === "..") {
      at = dirname(at);
      continue;
    }
    const next = join(at, step), target = isWithin("/proc", at) ? null : readLink(next);
    if (target === null || ++links > linksMax) {
      at = next;
      continue;
    }
    const folder = findChangeable(at, changeable);
    if (folder !== null) suspects.push({ link: next, folder });
    if (target.startsWith("/")) at = "/";
    waiting.push(...target.split("/").filter(isStep).reverse());
  }
  return { path: at, foreignLink: suspects.find(({ folder }) => !isWithin(folder, at)) ?? null };
}

/**
 * The folders of write grants, and where they really are. A link on the way to one may lie in another one, whose real
 * place is then to be known first: a link that was made to lead to `/` must not make every link suspect.
 */
export function listChangeable(written: readonly string[]): ChangeableFolders {
  const folders = new Set(written), steps = (path: string) => path.split("/").length;
  const linked = [...folders].map((path) => ({ path, real: resolveGrantedPath(path, new Set()).path }))
    .filter(({ path, real }) => path !== real).sort((a, b) => steps(b.real) - steps(a.real));
  for (const { path } of linked) {
    const { path: real, foreignLink } = resolveGrantedPath(path, folders);
    if (foreignLink === null) folders.add(real);
  }
  return folders;
}

function isStep(step: string): boolean {
  return step !== "" && step !== ".";
}

/** The nearest of them that `path` is or lies in: who may write an upper one only may do the same. */
export function findChangeable(path: string, folders: ChangeableFolders): string | null {
  for (let at = path, below = ""; at !== below; below = at, at = dirname(at)) if (folders.has(at)) return at;
  return null;
}

function isWithin(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder === "/" ? "/" : `${folder}/`);
}

/** Null: no link, or nothing that this user may look at. */
function readLink(path: string): string | null {
  try {
    return Deno.lstatSync(path).isSymlink ? Deno.readLinkSync(path) : null;
  } catch (thrown) {
    // Also a link that was just replaced: whoever opens the path notices.
    if (isMissing(thrown) || thrown instanceof Deno.errors.PermissionDenied || isNoLink(thrown)) return null;
    throw thrown;
  }
}

function isNoLink(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && thrown.code === "EINVAL";
}
