/**
 * Writes the files of `nerve init` and `nerve sense add` without overwriting anything of the user's.
 * `.nerve-init.json` records the SHA-256 of each file written. A file that still has that content is ours to replace;
 * any other file that exists belongs to the user and stays.
 */
import { dirname, join } from "node:path";
import { ifPresentAsync } from "../../base/if_present.ts";
import { sha256 } from "../../base/sha256.ts";
import { isPlainObject } from "../../protocol/json.ts";

const manifestName = ".nerve-init.json";

export interface WrittenFiles {
  readonly created: string[];
  /** Files that were unchanged since an earlier `init` wrote them, and are now updated. */
  readonly updated: string[];
  /** Files that existed already, and were changed by the user or not written by nerve. */
  readonly kept: string[];
}

/** Writes `files`, keyed by their paths below `root`. */
export async function writeFiles(root: string, files: ReadonlyMap<string, Uint8Array>): Promise<WrittenFiles> {
  const manifest = await readManifest(root);
  const written: WrittenFiles = { created: [], updated: [], kept: [] };
  for (const [path, bytes] of files) {
    const target = join(root, path);
    const present = await hashIfPresent(target);
    const digest = await sha256(bytes);
    if (present === digest) manifest[path] = digest;
    else if (present !== null && present !== manifest[path]) written.kept.push(path);
    else {
      await Deno.mkdir(dirname(target), { recursive: true });
      await writeAtomically(target, bytes);
      manifest[path] = digest;
      (present === null ? written.created : written.updated).push(path);
    }
  }
  await Deno.writeTextFile(join(root, manifestName), `${JSON.stringify(manifest, null, 2)}\n`);
  return written;
}

/** Whether the file still has the content that an earlier call wrote. */
export async function isUnchanged(root: string, path: string): Promise<boolean> {
  const written = (await readManifest(root))[path];
  return written !== undefined && await hashIfPresent(join(root, path)) === written;
}

/** Otherwise the next `init` would take a file that a full disk cut off for the user's own. */
async function writeAtomically(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.nerve-new`;
  try {
    await Deno.writeFile(temporary, bytes);
    await Deno.rename(temporary, path);
  } catch (thrown) {
    // The file may not exist; the first error is the one to report.
    await Deno.remove(temporary).catch(() => {});
    throw thrown;
  }
}

/**
 * The files below `folder` (relative to `root`) that are neither equal to one of `files` nor unchanged since an earlier
 * call.
 */
export async function findForeignFiles(
  root: string,
  folder: string,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<string[]> {
  const manifest = await readManifest(root);
  const foreign: string[] = [];
  const visit = async (path: string): Promise<void> => {
    const kind = await lstatIfPresent(join(root, path));
    if (kind?.isDirectory === true) {
      for await (const { name } of Deno.readDir(join(root, path))) await visit(join(path, name));
    } else if (kind?.isFile === true && path !== folder) {
      const bytes = files.get(path), present = await hashIfPresent(join(root, path));
      if (present !== manifest[path] && (bytes === undefined || present !== await sha256(bytes))) foreign.push(path);
    } else if (kind !== null) foreign.push(path);
  };
  await visit(folder);
  return foreign.sort();
}

async function lstatIfPresent(path: string): Promise<Deno.FileInfo | null> {
  return await ifPresentAsync(() => Deno.lstat(path));
}

async function readManifest(root: string): Promise<Record<string, unknown>> {
  try {
    const path = join(root, manifestName);
    const manifest: unknown = (await Deno.stat(path)).isFile ? JSON.parse(await Deno.readTextFile(path)) : null;
    return isPlainObject(manifest) ? manifest : {};
  } catch (thrown) {
    // Missing or damaged: no file is known to be ours, so every existing file stays.
    if (thrown instanceof Deno.errors.NotFound || thrown instanceof SyntaxError) return {};
    throw thrown;
  }
}

const noBytes = new Uint8Array();

async function hashIfPresent(path: string): Promise<string | null> {
  // Anything but a file is not ours: a pipe would never answer.
  const bytes = await ifPresentAsync(async () => (await Deno.stat(path)).isFile ? await Deno.readFile(path) : noBytes);
  return bytes === null ? null : await sha256(bytes);
}
