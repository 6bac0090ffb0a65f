/**
 * What apt would upgrade, and how old its index is. Used by index.ts.
 * I1. apt only simulates: it takes no lock, writes nothing, and loads nothing.
 */
import { runProgram } from "../../lib/program.ts";

export interface Update {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  /** It comes from an archive of security updates, perhaps among others. */
  readonly security: boolean;
}

export interface Simulation {
  readonly updates: readonly Update[];
  /** Upgrades that are not made: held by somebody, or they would need more than is allowed. */
  readonly keptBack: readonly string[];
  /** Upgrades that this machine is to get later. */
  readonly phased: readonly string[];
}

/** Reads only: nothing is locked, nor kept of what it computes. */
const harmless = [
  ...["-o", "Debug::NoLocking=true", "-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache="],
  ...["-o", "APT::Get::Show-User-Simulation-Note=false"],
];

/** As `apt-get dist-upgrade`; with `ignoreHold` also what somebody holds. */
export async function simulate(ignoreHold: boolean, signal: AbortSignal): Promise<Simulation> {
  const args = ["-s", ...harmless, ...ignoreHold ? ["--ignore-hold"] : [], "dist-upgrade"];
  const env = { LC_ALL: "C.UTF-8", LANGUAGE: "C" };
  return parseSimulation(await runProgram({ name: "apt-get", args, env }, signal, "apt-get failed"));
}

/** Throws when the text is no whole simulation. */
export function parseSimulation(text: string): Simulation {
  if (!/^\d+ upgraded, \d+ newly installed/m.test(text)) {
    throw new Error(`apt-get printed something unexpected: ${text.slice(0, 200)}`);
  }
  // Without the version between brackets it is no upgrade, but new.
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
 * When the index was last fetched. The files of the index have the times of the server, so those of the folder count
 * that apt changes each time. Null: there is no index.
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

/** Null: the system does not want to be restarted. Else the packages that ask for it, as far as it tells. */
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
