/**
 * A worktree of a repository, and the work on its branch. Used by index.ts.
 * I1. No work is lost: an existing folder or branch of that name ends the run, unless this run has made it and nothing
 *     is on it yet.
 * I2. git never prompts, and runs no hook, monitor, diff program or text filter of the repository for nerve, nor those
 *     of a repository within the worktree.
 */
import { isAbsolute, join } from "node:path";
import { type Ended, firstLine, runProgram, runToEnd } from "../../lib/program.ts";

/** The folders in which git keeps its data about a worktree, and about its repository. */
export interface GitFolders {
  readonly admin: string;
  readonly common: string;
}

export interface Place {
  /** The repository. */
  readonly repo: string;
  /** The worktree. */
  readonly path: string;
  /** The folders before an agent could rewrite the file in the worktree that names them; null: not made yet. */
  readonly folders: GitFolders | null;
  readonly branch: string;
  readonly signal: AbortSignal;
}

const settings = {
  "core.hooksPath": "/dev/null",
  "core.fsmonitor": "false",
  "gc.auto": "0",
  "maintenance.auto": "false",
  "submodule.recurse": "false",
  "commit.gpgSign": "false",
  // A confined agent can only write logs that exist, and a bare repository begins without any.
  "core.logAllRefUpdates": "true",
  "core.quotePath": "false",
  "user.name": "nerve",
  "user.email": "nerve@localhost",
};
const harmless = Object.entries(settings).flatMap(([key, value]) => ["-c", `${key}=${value}`]);
const env = {
  LC_ALL: "C.UTF-8",
  LANGUAGE: "C",
  GIT_TERMINAL_PROMPT: "0",
  GIT_ASKPASS: "",
  SSH_ASKPASS: "",
  SSH_ASKPASS_REQUIRE: "never",
  GIT_EDITOR: "true",
};

function toProgram(folder: string, args: readonly string[], more: Readonly<Record<string, string>> = {}) {
  return { name: "git", args: [...harmless, "-C", folder, ...args], env: { ...env, ...more } };
}

/**
 * Runs git in the worktree. An agent could make it read the settings of a repository of the agent's own, and so start
 * programs: the git folders are given, and what git would find in the worktree does not count.
 */
function toProgramIn({ path, folders }: Pick<Place, "path" | "folders">, args: readonly string[]) {
  if (folders === null) throw new Error("the worktree has not been made");
  return toProgram(path, args, { GIT_DIR: folders.admin, GIT_COMMON_DIR: folders.common, GIT_WORK_TREE: path });
}

async function gitIn(place: Place, args: readonly string[]): Promise<string> {
  return await runProgram(toProgramIn(place, args), place.signal, `git ${args[0]} failed`);
}

async function git(folder: string, args: readonly string[], signal: AbortSignal): Promise<string> {
  return await runProgram(toProgram(folder, args), signal, `git ${args[0]} failed`);
}

function tryGit(folder: string, args: readonly string[], signal: AbortSignal): Promise<Ended> {
  return runToEnd(toProgram(folder, args), signal);
}

export interface Found {
  readonly commit: string;
  readonly bare: boolean;
  /** Number of tracked files that differ from the last commit, in the folder of the repository. */
  readonly dirty: number;
  readonly submodules: boolean;
}

/** Throws when there is no such repository, or no such branch. */
export async function look(repo: string, base: string, signal: AbortSignal): Promise<Found> {
  const { code, stdout, stderr } = await tryGit(repo, ["rev-parse", "--is-bare-repository"], signal);
  if (code !== 0) throw new Error(`${repo} is not a git repository: ${firstLine(stderr)}`);
  const bare = stdout.trim() === "true";
  const commit = await findCommit(repo, `refs/heads/${base}`, signal);
  if (commit === null) throw new Error(`${repo} has no branch ${base}${await describeBranches(repo, signal)}`);
  const status = bare
    ? ""
    : await git(repo, ["status", "--porcelain", "-z", "--untracked-files=no", "--ignore-submodules=dirty"], signal);
  const modules = await tryGit(repo, ["cat-file", "-e", `${commit}:.gitmodules`], signal);
  return {
    commit,
    bare,
    dirty: status.split("\0").filter((each) => each !== "").length,
    submodules: modules.code === 0,
  };
}

async function describeBranches(repo: string, signal: AbortSignal): Promise<string> {
  const names = await git(repo, ["for-each-ref", "--count=10", "--format=%(refname:short)", "refs/heads"], signal);
  const list = names.split("\n").filter((name) => name !== "");
  return list.length === 0 ? ": it has no commit yet" : `: there are ${list.join(", ")}`;
}

async function findCommit(repo: string, name: string, signal: AbortSignal): Promise<string | null> {
  const { code, stdout } = await tryGit(repo, ["rev-parse", "--verify", "--quiet", `${name}^{commit}`], signal);
  return code === 0 ? stdout.trim() : null;
}

/** Makes the worktree, on its branch, at the commit. */
export async function makeWorktree({ repo, path, branch, signal }: Place, commit: string): Promise<GitFolders> {
  const valid = await tryGit(repo, ["check-ref-format", `refs/heads/${branch}`], signal);
  if (valid.code !== 0) throw new Error(`git takes no branch ${branch}: start the run with another id`);
  const registered = (await listWorktrees(repo, signal)).find((each) => each.path === path) ?? null;
  // Left by an attempt of this run whose process died early: no work has been done there.
  if (registered?.branch === branch) await removeUnused({ repo, path, signal });
  else if (isThere(path)) {
    throw new Error(`${path} is there already, and is not a worktree of this run: nothing was done`);
  }
  const tip = await findCommit(repo, `refs/heads/${branch}`, signal);
  if (tip !== null && (await tryGit(repo, ["merge-base", "--is-ancestor", tip, commit], signal)).code !== 0) {
    throw new Error(`${repo} has a branch ${branch} already, with commits of its own: start the run with another id`);
  }
  // The repository may still list a worktree whose folder is gone; force replaces it.
  const force = registered === null ? [] : ["--force", "--force"];
  await git(repo, ["worktree", "add", "--quiet", ...force, "-B", branch, path, commit], signal);
  const folders = await git(path, ["rev-parse", "--path-format=absolute", "--git-dir", "--git-common-dir"], signal);
  const [admin = "", common = ""] = folders.split("\n");
  return { admin, common };
}

interface Worktree {
  readonly path: string;
  readonly branch: string | null;
}

async function listWorktrees(repo: string, signal: AbortSignal): Promise<Worktree[]> {
  const text = await git(repo, ["worktree", "list", "--porcelain", "-z"], signal);
  return text.split("\0\0").flatMap((entry): Worktree[] => {
    const lines = entry.split("\0"),
      find = (key: string) => lines.find((line) => line.startsWith(`${key} `))?.slice(key.length + 1);
    const path = find("worktree");
    return path === undefined ? [] : [{ path, branch: find("branch")?.replace(/^refs\/heads\//, "") ?? null }];
  });
}

/** git does not remove a worktree that has submodules or is half made: then the folder itself is removed. */
async function removeUnused({ repo, path, signal }: Pick<Place, "repo" | "path" | "signal">): Promise<void> {
  const { code } = await tryGit(repo, ["worktree", "remove", "--force", "--force", path], signal);
  if (code !== 0 && isThere(path)) await Deno.remove(path, { recursive: true });
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}

export async function fillSubmodules({ path, signal }: Place): Promise<void> {
  await git(path, ["submodule", "--quiet", "update", "--init", "--recursive"], signal);
}

/** Copies ignored files that the work needs. Returns the names that were copied. */
export async function copyIgnored({ repo, path, signal }: Place, names: readonly string[]): Promise<string[]> {
  const copied: string[] = [];
  for (const name of names) {
    if (isAbsolute(name) || name.split("/").some((part) => part === ".." || part === "")) {
      throw new Error(`config.copy: ${name} does not lead below the repository`);
    }
    const from = join(repo, name), to = join(path, name);
    if (!isThere(from) || isThere(to)) continue;
    if ((await tryGit(repo, ["check-ignore", "--quiet", "--", name], signal)).code !== 0) {
      throw new Error(`config.copy: git does not ignore ${name}, so it is in the worktree if it is committed`);
    }
    await Deno.mkdir(join(to, ".."), { recursive: true });
    await runProgram({ name: "cp", args: ["-a", "--", from, to], env }, signal, `${name} could not be copied`);
    copied.push(name);
  }
  return copied;
}

/** Commits everything that is not committed. Returns the number of commits since `from`. */
export async function commitRest(place: Place, from: string, subject: string): Promise<number> {
  const { branch, signal } = place,
    head = (await gitIn(place, ["symbolic-ref", "--quiet", "HEAD"]).catch(() => "")).trim();
  if (head !== `refs/heads/${branch}`) {
    throw new Error(
      `the worktree is not on ${branch} any more${head === "" ? "" : `, but on ${head.replace("refs/heads/", "")}`}`,
    );
  }
  await addAll(place);
  const differs = await runToEnd(toProgramIn(place, ["diff", "--cached", "--quiet", "--no-ext-diff"]), signal);
  if (differs.code !== 0) await gitIn(place, ["commit", "--quiet", "--no-verify", "-m", subject]);
  return Number(await gitIn(place, ["rev-list", "--count", `${from}..HEAD`]));
}

/**
 * To find changes within submodules, git runs another git there, which reads their settings and so starts programs that
 * an agent names. So submodules are left out; then only the commit that each of them is at is recorded.
 */
async function addAll(place: Place): Promise<void> {
  const entries = (await gitIn(place, ["ls-files", "--stage", "-z"])).split("\0");
  const submodules = entries.filter((entry) => entry.startsWith("160000 ")).map((entry) => entry.split("\t")[1] ?? "");
  const paths = submodules.map((path) => `:(top,exclude,literal)${path}`);
  await gitIn(place, ["add", "--all", ...paths.length === 0 ? [] : ["--", ":(top)", ...paths]]);
  if (submodules.length > 0) await gitIn(place, ["update-index", "--remove", "--", ...submodules]);
}

/** Whether something is not committed; false without a worktree. Of submodules only their commits count. */
export async function isChanged(place: Place): Promise<boolean> {
  return isThere(place.path) &&
    await gitIn(place, ["status", "--porcelain", "-z", "--ignore-submodules=dirty"]) !== "";
}

/** Discards uncommitted changes that a program has left; ignored files stay. */
export async function discardRest(place: Place): Promise<void> {
  await gitIn(place, ["reset", "--quiet", "--hard"]);
  await gitIn(place, ["clean", "-d", "--force", "--quiet"]);
}

export interface Work {
  readonly commits: number;
  /** The subjects of the newest commits, one line each. */
  readonly subjects: readonly string[];
  readonly stat: string;
  readonly diff: string;
  /** Files in conflict with the base as it is now; null when that is not known. */
  readonly conflicts: readonly string[] | null;
  readonly tip: string;
}

const subjectsMax = 50, statMaxChars = 20_000;

/** `from`: the commit at which the work began; `base`: the branch to merge into. */
export async function readWork({ repo, branch, signal }: Place, from: string, base: string): Promise<Work> {
  const range = `${from}..refs/heads/${branch}`, plain = ["--no-color", "--no-ext-diff", "--no-textconv"];
  // Read in the repository, where the branch is merged from: a worktree may have been changed to name another one.
  const folder = repo;
  const tip = (await git(folder, ["rev-parse", `refs/heads/${branch}`], signal)).trim();
  const commits = Number(await git(folder, ["rev-list", "--count", range], signal));
  const log = await git(
    folder,
    ["log", `--max-count=${subjectsMax}`, "--format=%h %s", "--no-show-signature", range],
    signal,
  );
  const stat = await git(folder, ["diff", ...plain, "--stat=100", from, tip], signal);
  const diff = await git(folder, ["diff", ...plain, from, tip], signal).catch((thrown: Error) =>
    `(the diff is not shown: ${thrown.message})`
  );
  const merged = await tryGit(folder, [
    "merge-tree",
    "--write-tree",
    "--name-only",
    "--no-messages",
    `refs/heads/${base}`,
    tip,
  ], signal);
  const files = merged.stdout.split("\n").slice(1).filter((line) => line !== "");
  return {
    ...{ commits, tip, diff, stat: stat.slice(0, statMaxChars) },
    subjects: log.split("\n").filter((line) => line !== "").map((line) => line.slice(0, 200)),
    conflicts: merged.code === 0 ? [] : merged.code === 1 ? files : null,
  };
}
