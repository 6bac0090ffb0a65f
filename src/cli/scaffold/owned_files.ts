/**
 * Writes the files of `nerve init` and `nerve sense add` without ever taking anything from the user.
 * What was written is remembered in `.nerve-init.json` as sha256 by path: a file that still has that content is ours to
 * replace, any other that is there is the user's and stays.
 */
import { dirname, join } from "node:path";
import { ifPresentAsync } from "../../base/if_present.ts";
import { sha256 } from "../../base/sha256.ts";
import { isPlainObject } from "../../protocol/json.ts";

const manifestName = ".nerve-init.json";

export interface WrittenFiles {
  readonly made: string[];
  /** Still as an earlier `init` wrote them, and brought up to date. */
  readonly renewed: string[];
  /** There already, and changed by the user or not ours at all. */
  readonly kept: string[];
}

/** Writes `files`, by their path below `root`. */
export async function writeFiles(root: string, files: ReadonlyMap<string, Uint8Array>): Promise<WrittenFiles> {
  const manifest = await readManifest(root);
  const written: WrittenFiles = { made: [], renewed: [], kept: [] };
  for (const [path, bytes] of files) {
    const target = join(root, path);
    const present = await digestOfFile(target);
    const digest = await sha256(bytes);
    if (present === digest) manifest[path] = digest;
    else if (present !== null && present !== manifest[path]) written.kept.push(path);
    else {
      await Deno.mkdir(dirname(target), { recursive: true });
      await writeWhole(target, bytes);
      manifest[path] = digest;
      (present === null ? written.made : written.renewed).push(path);
    }
  }
  await Deno.writeTextFile(join(root, manifestName), `${JSON.stringify(manifest, null, 2)}\n`);
  return written;
}

/** Whether the file still is what an earlier call wrote. */
export async function isUnchanged(root: string, path: string): Promise<boolean> {
  const written = (await readManifest(root))[path];
  return written !== undefined && await digestOfFile(join(root, path)) === written;
}

/** In one step: what a full disk left of a file would be taken for the user's own by the next `init`. */
async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const aside = `${path}.nerve-new`;
  try {
    await Deno.writeFile(aside, bytes);
    await Deno.rename(aside, path);
  } catch (thrown) {
    // What failed is what counts; it may not even be there.
    await Deno.remove(aside).catch(() => {});
    throw thrown;
  }
}

/** What is below `folder` (relative to `root`) and neither one of `files` nor as an earlier call wrote it. */
export async function findForeignFiles(
  root: string,
  folder: string,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<string[]> {
  const manifest = await readManifest(root);
  const foreign: string[] = [];
  const visit = async (path: string): Promise<void> => {
    const kind = await kindOf(join(root, path));
    if (kind?.isDirectory === true) {
      for await (const { name } of Deno.readDir(join(root, path))) await visit(join(path, name));
    } else if (kind?.isFile === true && path !== folder) {
      const bytes = files.get(path), present = await digestOfFile(join(root, path));
      if (present !== manifest[path] && (bytes === undefined || present !== await sha256(bytes))) foreign.push(path);
    } else if (kind !== null) foreign.push(path);
  };
  await visit(folder);
  return foreign.sort();
}

async function kindOf(path: string): Promise<Deno.FileInfo | null> {
  return await ifPresentAsync(() => Deno.lstat(path));
}

async function readManifest(root: string): Promise<Record<string, unknown>> {
  try {
    const manifest: unknown = JSON.parse(await Deno.readTextFile(join(root, manifestName)));
    return isPlainObject(manifest) ? manifest : {};
  } catch (thrown) {
    // Missing or broken: then nothing is known to be ours, and everything that is there stays.
    if (thrown instanceof Deno.errors.NotFound || thrown instanceof SyntaxError) return {};
    throw thrown;
  }
}

async function digestOfFile(path: string): Promise<string | null> {
  const bytes = await ifPresentAsync(() => Deno.readFile(path));
  return bytes === null ? null : await sha256(bytes);
}
