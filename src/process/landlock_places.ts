/** Finds what the rules of a process depend on: programs in PATH, manifests above its code. Used by launcher.ts. */
import { dirname, join } from "node:path";
import { isMissing } from "../base/if_present.ts";
import { toFilePath } from "../base/file_url.ts";
import { findOwnProgram, ownLock, resolveOwnFile } from "../base/self_exec.ts";
import type { ProcessSpec } from "../protocol/message.ts";
import type { LandlockPlaces } from "./landlock_rules.ts";

/** What launcher.ts decides itself. */
export type ChosenPlaces = Pick<LandlockPlaces, "cache" | "temp" | "lock" | "written"> & {
  readonly pathVariable: string;
};

export function findLandlockPlaces(
  { permissions: { run }, modules }: ProcessSpec,
  chosen: ChosenPlaces,
): LandlockPlaces {
  const path = [...new Set(chosen.pathVariable.split(":").filter((folder) => folder.startsWith("/")))];
  const names = typeof run === "boolean" ? [] : run.filter((name) => !name.includes("/"));
  return {
    executable: findOwnProgram(),
    own: [resolveOwnFile("../deno.json"), ownLock].map((file) => toFilePath(file)),
    ...chosen,
    programs: names.flatMap((name) => findProgram(name, path)),
    path,
    home: Deno.env.get("HOME") ?? null,
    manifests: listManifests(modules.folders),
  };
}

/** The first one in PATH, as it is and with links followed; none when there is none. */
export function findProgram(name: string, path: readonly string[]): string[] {
  for (const folder of path) {
    const program = join(folder, name), real = resolveIfSeen(program);
    if (real !== null) return [program, real];
  }
  return [];
}

/** The system passes by, too, what it may not look at: PATH of a user may come from another one, as with `sudo -u`. */
function resolveIfSeen(program: string): string | null {
  try {
    return Deno.realPathSync(program);
  } catch (thrown) {
    if (isMissing(thrown) || thrown instanceof Deno.errors.PermissionDenied) return null;
    throw thrown;
  }
}

function listManifests(folders: readonly string[]): string[] {
  const above = new Set<string>();
  for (const folder of folders) {
    for (let at = folder; !above.has(at); at = dirname(at)) above.add(at);
  }
  return [...above].map((folder) => join(folder, "package.json"));
}
