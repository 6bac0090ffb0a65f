/** Where a program is, as a shell would find it. */
import { join, resolve } from "node:path";
import { isMissing } from "./if_present.ts";

/** Null: there is none. A name with a slash is looked up from `cwd`. */
export function findOnPath(program: string, path: string, cwd = "/"): string | null {
  const places = program.includes("/")
    ? [resolve(cwd, program)]
    : path.split(":").filter((folder) => folder.startsWith("/")).map((folder) => join(folder, program));
  return places.find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    const { isFile, mode } = Deno.statSync(path);
    return isFile && ((mode ?? 0o111) & 0o111) !== 0;
  } catch (thrown) {
    if (isMissing(thrown) || thrown instanceof Deno.errors.PermissionDenied) return false;
    throw thrown;
  }
}
