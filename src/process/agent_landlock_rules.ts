/**
 * The Landlock rules of a confined agent: what its programs may touch. Pure, except that it looks up links and git's
 * own files. kernel/agent_isolation.ts calls it, sandbox/agent_program_entry.ts applies the rules; docs/agents.md
 * describes them.
 * I1. It may write its folder, its home and, if its folder is a worktree of git, the parts of the repository that a
 *     commit writes: never hooks or settings, which others execute.
 * I2. It may read and execute what every program of this system may, these folders, and what nerve.yaml names.
 */
import { basename, dirname, join, resolve } from "node:path";
import { ifPresent } from "../base/if_present.ts";
import { readSmallFile } from "../base/small_file.ts";
import type { LandlockRules } from "../base/landlock.ts";
import { as, both, dropRepeats, type LandlockRule, openTools } from "./landlock_rules.ts";
import { findProgram } from "./landlock_places.ts";

export interface AgentPlaces {
  /** The folder where it works, and its home: real paths. */
  readonly cwd: string;
  readonly home: string;
  /** The paths of `read`: real paths. */
  readonly read: readonly string[];
  /** The program of its command line, and the PATH that it gets. */
  readonly program: string;
  readonly pathVariable: string;
  /** The home of the user. */
  readonly userHome: string | null;
}

/** Null: there is no such program. */
export function buildAgentRules(places: AgentPlaces): LandlockRules | null {
  const { cwd, home, read, program, pathVariable, userHome } = places;
  const path = [...new Set(pathVariable.split(":").filter((folder) => folder.startsWith("/")))];
  const programs = program.includes("/")
    ? findProgram(basename(program), [dirname(resolve(cwd, program))])
    : findProgram(program, path);
  if (programs.length === 0) return null;
  const git = findRepository(cwd, [cwd, home]);
  const rules: LandlockRule[] = [
    // Programs elsewhere bring nothing with them.
    ...openTools({ programs: programs.filter((each) => dirname(each).endsWith("/bin")), path, home: userHome }),
    // Its own terminal, if it has one; this opens no other.
    ...both(["/dev/tty"]),
    ...as("execute", [...programs, ...programs.flatMap(findPackages), cwd, home, ...read]),
    ...as("write", [cwd, home]),
    ...git === null ? [] : openRepository(git),
  ];
  // Real paths: a link that came meanwhile must not be followed.
  const unfollowed = [cwd, home, ...read].filter((path) => !path.startsWith("/proc/"));
  return { paths: dropRepeats(rules), connect: null, bind: null, unfollowed };
}

/** The folder of packages that contains an npm program, with everything that it needs. */
function findPackages(program: string): string[] {
  const at = program.indexOf("/node_modules/");
  return at < 0 ? [] : [program.slice(0, at + "/node_modules".length)];
}

interface Repository {
  /** Its `.git` folder; `worktree`: the folder of the worktree in it. */
  readonly folder: string;
  readonly worktree: string;
}

/**
 * The repository of a linked worktree of git; null: `cwd` is not one. The agent may write the file that names the
 * repository, so it counts only if the repository also names the worktree, and if no agent can have made that
 * repository: it must not be in what this agent writes (`own`), nor in the folder of a worktree in a repository.
 */
function findRepository(cwd: string, own: readonly string[]): Repository | null {
  const [, to] = /^gitdir: (.+)$/m.exec(readSmallFile(join(cwd, ".git")) ?? "") ?? [];
  if (to === undefined) return null;
  const worktree = ifPresent(() => Deno.realPathSync(resolve(cwd, to)));
  if (worktree === null || basename(dirname(worktree)) !== "worktrees") return null;
  const back = readSmallFile(join(worktree, "gitdir"))?.trim() ?? "", folder = dirname(dirname(worktree));
  const named = back === "" ? null : ifPresent(() => Deno.realPathSync(dirname(resolve(worktree, back))));
  if (named !== cwd || own.some((each) => `${worktree}/`.startsWith(`${each}/`))) return null;
  for (let at = folder; at !== dirname(at); at = dirname(at)) {
    if (basename(dirname(at)) === "worktrees" && isThere(join(dirname(dirname(at)), "HEAD"))) return null;
  }
  return { folder, worktree };
}

function isThere(path: string): boolean {
  return ifPresent(() => Deno.lstatSync(path)) !== null;
}

/** What a commit writes: objects, branches and their logs, and the state of the worktree. Links are left out. */
function openRepository({ folder, worktree }: Repository): LandlockRule[] {
  const written = ["objects", "refs", "logs"].map((name) => join(folder, name))
    .filter((path) => ifPresent(() => Deno.realPathSync(path)) === path);
  return [...as("read", [folder]), ...as("write", [...written, worktree])];
}
