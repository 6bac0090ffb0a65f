/** Finds what Landlock rules depend on: programs, manifests. Used by launcher.ts and agent_landlock_rules.ts. */
import { dirname, join } from "node:path";
import { isMissing } from "../base/if_present.ts";
import { toFilePath } from "../base/file_url.ts";
import { findOwnProgram, ownLock, resolveOwnFile } from "../base/self_exec.ts";
import type { ProcessSpec } from "../protocol/message.ts";
import type { LandlockPlaces } from "./landlock_rules.ts";

/** The places that launcher.ts chooses. */
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

/** The first such program in PATH, as it is and with links followed; empty if there is none. */
export function findProgram(name: string, path: readonly string[]): string[] {
  for (const folder of path) {
    const program = join(folder, name), real = resolveIfSeen(program);
    if (real !== null) return [program, real];
  }
  return [];
}

/** Like the system, skips what it may not look at: a user's PATH may be another user's, as with `sudo -u`. */
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
