/** Finds a program as a shell would. */
import { join, resolve } from "node:path";
import { isMissing } from "./if_present.ts";

/** Returns null when there is none. A name with a slash is resolved against `cwd`. */
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
