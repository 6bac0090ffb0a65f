/**
 * Resolves the path of a grant when a unit's program may have made some of the links on the way. Used by
 * config/permissions/check_grants.ts when nerve.yaml is read, and by process/launcher.ts when a process starts.
 * I1. A link in a folder that a unit may write is accepted only if it leads to a place in that folder: the unit could
 *     have moved what lies there to the path anyway. All other links are the user's.
 * I2. Nothing is opened. The caller opens the result without following links (base/landlock.ts).
 * I3. Links in /proc are not resolved: `self` is a different folder for each process, and no unit can make a link
 *     there.
 */
import { dirname, join } from "node:path";
import { isMissing } from "./if_present.ts";

/** Folders that units may write: their granted paths and their real paths. */
export type ChangeableFolders = ReadonlySet<string>;

export interface GrantedPath {
  /** The path without links; its last parts may not exist. */
  readonly path: string;
  /** The first link that a unit may have made and that leads out of its folder; null: the path may be used. */
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
 * The folders of write grants, with their real paths. A link on the way to one may lie in another, whose real path must
 * then be known first: a link that a unit made to `/` must not make every link suspect.
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

/**
 * The nearest of the folders that contains `path` or is `path`; null when there is none. A unit that may write a folder
 * above it can do no more.
 */
export function findChangeable(path: string, folders: ChangeableFolders): string | null {
  for (let at = path, below = ""; at !== below; below = at, at = dirname(at)) if (folders.has(at)) return at;
  return null;
}

function isWithin(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder === "/" ? "/" : `${folder}/`);
}

/** The target of a link; null when the path is not a link, or this user may not inspect it. */
function readLink(path: string): string | null {
  try {
    return Deno.lstatSync(path).isSymlink ? Deno.readLinkSync(path) : null;
  } catch (thrown) {
    // This includes a link that was just replaced: the caller notices when it opens the path.
    if (isMissing(thrown) || thrown instanceof Deno.errors.PermissionDenied || isNoLink(thrown)) return null;
    throw thrown;
  }
}

function isNoLink(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && thrown.code === "EINVAL";
}
