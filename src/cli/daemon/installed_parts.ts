/**
 * Finds everything that install.sh, `nerve upgrade`, `nerve service install` and the first use of a portable nerve put
 * on this machine for this user, except workspaces, and the processes that still use it. Used by
 * cli/commands/uninstall.ts.
 * I1. Finds only what is recognisably ours: a file of the same name that someone else wrote stays.
 */
import { dirname, join } from "node:path";
import { messageOf } from "../../base/errors.ts";
import { ifPresent, isMissing } from "../../base/if_present.ts";
import { toPrintable } from "../../base/printable.ts";
import type { CliIo } from "../io.ts";
import { findInstalledFile, listUpgradeFiles } from "./installation.ts";
import { type InstalledUnit, listInstalledUnits } from "./systemd.ts";

export interface InstalledPart {
  readonly what: "service" | "completions" | "executable" | "cache";
  readonly path: string;
}

export interface InstalledParts {
  readonly units: readonly InstalledUnit[];
  /** In the order of their removal: nerve itself comes last. */
  readonly parts: readonly InstalledPart[];
  /** Null for a clone, whose folder belongs to its owner. */
  readonly executable: string | null;
}

export async function findInstalledParts(io: CliIo): Promise<InstalledParts> {
  const executable = await findInstalledFile(io), units = listInstalledUnits(io.env, executable);
  // A clone has none of these: existing ones belong to another nerve.
  const completions = executable === null ? [] : listCompletions(io.env).filter(isOurScript);
  const files = executable === null ? [] : [...listUpgradeFiles(executable), executable];
  const caches = executable === null ? [] : listCaches(io.env).flatMap(listUnpacked);
  const as = (what: InstalledPart["what"], paths: readonly string[]) => paths.map((path) => ({ what, path }));
  return {
    units,
    executable,
    parts: [
      ...as("service", units.map(({ path }) => path)),
      ...as("completions", completions),
      ...as("executable", files),
      ...as("cache", caches),
    ],
  };
}

/** Where install.sh puts completions. */
function listCompletions(env: CliIo["env"]): string[] {
  const { HOME: home = "" } = env;
  const data = env["XDG_DATA_HOME"] || (home && join(home, ".local/share"));
  const config = env["XDG_CONFIG_HOME"] || (home && join(home, ".config"));
  return [
    ...data === "" ? [] : [join(data, "bash-completion/completions/nerve"), join(data, "zsh/site-functions/_nerve")],
    ...config === "" ? [] : [join(config, "fish/completions/nerve.fish")],
  ];
}

function isOurScript(path: string): boolean {
  const text = ifPresent(() => Deno.lstatSync(path).isFile ? Deno.readTextFileSync(path) : null);
  return text?.includes("nerve __complete") === true;
}

/** Where a portable nerve unpacks itself (tools/build/header.sh). */
function listCaches(env: CliIo["env"]): string[] {
  const { XDG_CACHE_HOME: given = "", HOME: home = "" } = env;
  const base = given.startsWith("/") ? given : home && join(home, ".cache");
  const folders = [
    ...base === "" ? [] : [join(base, "nerve")],
    join(env["TMPDIR"] || "/tmp", `nerve-cache-${Deno.uid()}`),
  ];
  return folders.filter((folder) => {
    const info = ifPresent(() => Deno.lstatSync(folder));
    return info?.isDirectory === true && info.uid === Deno.uid();
  });
}

/** Our entries in a cache: unpacked versions, incomplete ones, and Deno's own cache. */
function listUnpacked(cache: string): string[] {
  return [...Deno.readDirSync(cache)].filter(({ name, isDirectory }) =>
    isDirectory && (/^[0-9a-f]{16,64}$/.test(name) || name === "deno" || name.startsWith(".unpack."))
  ).map(({ name }) => join(cache, name)).sort();
}

/** Removes one part, and its folder if that is a cache that is now empty. Returns why this failed; else null. */
export function removePart({ what, path }: InstalledPart): string | null {
  try {
    Deno.removeSync(path, { recursive: what === "cache" });
    if (what === "cache" && [...Deno.readDirSync(dirname(path))].length === 0) Deno.removeSync(dirname(path));
    return null;
  } catch (thrown) {
    return isMissing(thrown) ? null : messageOf(thrown);
  }
}

/** Processes of the executable or of a cached version, except this one and those of services. None without /proc. */
export function listUsers(
  io: CliIo,
  { units, executable }: InstalledParts,
): { pid: number; workspace: string | null }[] {
  if (executable === null) return [];
  const caches = listCaches(io.env), entries = ifPresent(() => [...Deno.readDirSync("/proc")]) ?? [];
  const pids = entries.map(({ name }) => Number(name)).filter((pid) => Number.isInteger(pid) && pid !== Deno.pid);
  return pids.flatMap((pid) => {
    try {
      const program = Deno.readLinkSync(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, "");
      if (program !== executable && !caches.some((folder) => program.startsWith(`${folder}/`))) return [];
      const words = Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0");
      const group = Deno.readTextFileSync(`/proc/${pid}/cgroup`);
      // Units and kernels end with the daemon that started them, which is listed; services are stopped.
      if (
        words.includes("__group") || words.includes("__kernel") || units.some((unit) => group.includes(`/${unit.name}`))
      ) return [];
      return [{ pid, workspace: findWorkspaceIn(words) }];
    } catch {
      // The process has ended or belongs to another user.
      return [];
    }
  });
}

function findWorkspaceIn(words: readonly string[]): string | null {
  const at = words.findIndex((word) => ["__daemon", "--workspace", "-w"].includes(word));
  return at < 0 ? null : toPrintable(words[at + 1] ?? "");
}
