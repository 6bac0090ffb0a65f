/**
 * Finds what apt would upgrade, and how old its index is. Used by index.ts.
 * I1. apt only simulates: it takes no lock, writes nothing, and downloads nothing.
 */
import { runProgram } from "../../lib/program.ts";

export interface Update {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  /** Whether it comes from an archive of security updates, perhaps among others. */
  readonly security: boolean;
}

export interface Simulation {
  readonly updates: readonly Update[];
  /** Upgrades that are not made: they are on hold, or would need more changes than are allowed. */
  readonly keptBack: readonly string[];
  /** Upgrades that this machine will get later. */
  readonly phased: readonly string[];
}

/** Options for reading only: apt takes no lock and stores no cache. */
const harmless = [
  ...["-o", "Debug::NoLocking=true", "-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache="],
  ...["-o", "APT::Get::Show-User-Simulation-Note=false"],
];

/** Simulates `apt-get dist-upgrade`; with `ignoreHold`, packages on hold are included. */
export async function simulate(ignoreHold: boolean, signal: AbortSignal): Promise<Simulation> {
  const args = ["-s", ...harmless, ...ignoreHold ? ["--ignore-hold"] : [], "dist-upgrade"];
  const env = { LC_ALL: "C.UTF-8", LANGUAGE: "C" };
  return parseSimulation(await runProgram({ name: "apt-get", args, env }, signal, "apt-get failed"));
}

/** Throws when the text is not a complete simulation. */
export function parseSimulation(text: string): Simulation {
  if (!/^\d+ upgraded, \d+ newly installed/m.test(text)) {
    throw new Error(`apt-get printed something unexpected: ${text.slice(0, 200)}`);
  }
  // Without a version in brackets, the package is new and not an upgrade.
  const rows = text.matchAll(/^Inst (\S+) \[([^\]\s]+)\] \((\S+) (.*?)(?: \[[^\]]*\])?\)/gm);
  return {
    updates: [...rows].map(([, name = "", from = "", to = "", origins = ""]) => {
      return { name, from, to, security: /security/i.test(origins) };
    }),
    keptBack: readSection(text, "The following packages have been kept back:"),
    phased: readSection(text, "The following upgrades have been deferred due to phasing:"),
  };
}

/** The names in the indented lines below a title. */
function readSection(text: string, title: string): string[] {
  const lines = text.split("\n"), at = lines.indexOf(title), names: string[] = [];
  if (at < 0) return names;
  for (const line of lines.slice(at + 1)) {
    if (!line.startsWith(" ")) break;
    names.push(...line.trim().split(/\s+/));
  }
  return names;
}

const lists = "/var/lib/apt/lists";

/**
 * When the index was last fetched. The files of the index carry the server's times, so the times of the folders that
 * apt changes at each fetch count. Null: there is no index.
 */
export async function readIndexTime(): Promise<Date | null> {
  let isThere = false;
  try {
    for await (const { name } of Deno.readDir(lists)) isThere ||= /_(?:InRelease|Release|Packages)/.test(name);
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
  if (!isThere) return null;
  const stamps = [lists, `${lists}/partial`, "/var/lib/apt/periodic/update-success-stamp"];
  const times = await Promise.all(stamps.map(timeOf));
  return new Date(Math.max(...times));
}

async function timeOf(path: string): Promise<number> {
  try {
    return (await Deno.stat(path)).mtime?.getTime() ?? 0;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return 0;
    throw thrown;
  }
}

/** Null: no restart is required. Else the packages that require it, as far as they are listed. */
export async function readReboot(): Promise<string[] | null> {
  if (await textOf("/run/reboot-required") === null) return null;
  const packages = await textOf("/run/reboot-required.pkgs") ?? "";
  return [...new Set(packages.split("\n").map((name) => name.trim()).filter((name) => name !== ""))];
}

async function textOf(path: string): Promise<string | null> {
  try {
    return await Deno.readTextFile(path);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return null;
    throw thrown;
  }
}
