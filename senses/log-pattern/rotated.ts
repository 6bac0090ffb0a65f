/** Finds the files to which a rotation has moved the followed file. Used by follow.ts. */
import { dirname } from "node:path";

const filesMax = 1_000;

/**
 * The rotated files that may exist, oldest first. A `*` in the name of `rotated` stands for digits, as in
 * `app.log-20260131` or `app.log.2`. Throws NotCapable when the folder of such a name may not be read.
 */
export async function listRotated(rotated: string): Promise<string[]> {
  if (!rotated.includes("*")) return [rotated];
  const folder = dirname(rotated), pattern = toPattern(rotated.slice(folder.length).replace(/^\//, ""));
  const found: { path: string; at: number }[] = [];
  for await (const { name, isFile } of Deno.readDir(folder)) {
    if (!isFile || !pattern.test(name) || found.length >= filesMax) continue;
    const path = `${folder === "/" ? "" : folder}/${name}`;
    found.push({ path, at: await readTime(path) });
  }
  return found.sort((a, b) => a.at - b.at || (a.path < b.path ? -1 : 1)).map(({ path }) => path);
}

/** Throws a TypeError for a `*` in a folder's name, and for more than one. */
export function checkRotated(rotated: string): void {
  if (rotated.lastIndexOf("/") > rotated.indexOf("*") && rotated.includes("*") || rotated.split("*").length > 2) {
    throw new TypeError(`config.rotated may have one * in the name of the file, not "${rotated.slice(0, 200)}"`);
  }
}

function toPattern(name: string): RegExp {
  return new RegExp(`^${name.split("*").map((part) => RegExp.escape(part)).join("[\\dTZ._:-]*\\d[\\dTZ._:-]*")}$`);
}

/** When the file was last written: before it was rotated. */
async function readTime(path: string): Promise<number> {
  try {
    return (await Deno.stat(path)).mtime?.getTime() ?? 0;
  } catch (thrown) {
    // The rotation continues meanwhile.
    if (thrown instanceof Deno.errors.NotFound) return 0;
    throw thrown;
  }
}
