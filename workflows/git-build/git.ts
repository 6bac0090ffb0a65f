/**
 * Brings a repository to the newest commit of its upstream, by fast-forward only. Used by index.ts.
 * I1. Nothing is discarded: local changes and local commits end the run before anything is changed.
 * I2. git never prompts, and runs no hook and no monitor of the repository.
 */
import { runProgram } from "../../lib/program.ts";

export interface GitPlace {
  readonly folder: string;
  /** The command that git runs as ssh. */
  readonly ssh: string;
  readonly signal: AbortSignal;
}

const harmless = [
  ...[
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "gc.auto=0",
    "-c",
    "maintenance.auto=false",
  ],
  ...["-c", "submodule.recurse=false", "-c", "advice.diverging=false"],
];

function git({ folder, ssh, signal }: GitPlace, args: readonly string[], failure: string): Promise<string> {
  const env = {
    LC_ALL: "C.UTF-8",
    LANGUAGE: "C",
    GIT_TERMINAL_PROMPT: "0",
    // These programs would open a window to ask for a password.
    GIT_ASKPASS: "",
    SSH_ASKPASS: "",
    SSH_ASKPASS_REQUIRE: "never",
    GCM_INTERACTIVE: "never",
    GIT_SSH_COMMAND: ssh,
  };
  return runProgram({ name: "git", args: [...harmless, "-C", folder, ...args], env }, signal, failure);
}

export interface Pulled {
  readonly branch: string;
  readonly upstream: string;
  /** The commits before and after the pull. */
  readonly from: string;
  readonly to: string;
}

/** `branch`: the one that must be checked out; null: any. */
export async function pull(place: GitPlace, branch: string | null): Promise<Pulled> {
  const status = await readStatus(place);
  if (status.branch === null) throw new Error("no branch is checked out (HEAD is detached)");
  if (branch !== null && status.branch !== branch) throw new Error(`${status.branch} is checked out, not ${branch}`);
  if (status.upstream === null) {
    throw new Error(`${status.branch} has no upstream: git branch --set-upstream-to=origin/${status.branch}`);
  }
  if (status.changed > 0) {
    throw new Error(`${status.changed} files have changes that are not committed: nothing was done`);
  }
  const from = await readCommit(place, "HEAD");
  await git(place, ["fetch", "--quiet", "--no-recurse-submodules"], "git fetch failed");
  const ahead = Number(await git(place, ["rev-list", "--count", "@{upstream}..HEAD"], "git rev-list failed"));
  if (ahead > 0) {
    throw new Error(`${status.branch} has ${ahead} commits that ${status.upstream} does not have: nothing was merged`);
  }
  await git(place, ["merge", "--quiet", "--ff-only", "--no-overwrite-ignore", "@{upstream}"], "git merge failed");
  return { branch: status.branch, upstream: status.upstream, from, to: await readCommit(place, "HEAD") };
}

export interface Status {
  readonly branch: string | null;
  readonly upstream: string | null;
  /** Number of tracked files that differ from the last commit. */
  readonly changed: number;
}

async function readStatus(place: GitPlace): Promise<Status> {
  const args = ["status", "--porcelain=v2", "-z", "--branch", "--untracked-files=no", "--ignore-submodules=dirty"];
  return parseGitStatus(await git(place, args, `git status failed for ${place.folder}`));
}

export function parseGitStatus(text: string): Status {
  const entries = text.split("\0");
  const header = (name: string) =>
    entries.find((each) => each.startsWith(`# branch.${name} `))?.slice(`# branch.${name} `.length) ?? null;
  const branch = header("head");
  return {
    branch: branch === "(detached)" ? null : branch,
    upstream: header("upstream"),
    changed: entries.filter((each) => /^[12u] /.test(each)).length,
  };
}

export async function readCommit(place: GitPlace, name: string): Promise<string> {
  return (await git(place, ["rev-parse", "--verify", `${name}^{commit}`], `git rev-parse failed for ${name}`)).trim();
}

/** The commit that was built last; null when there is none, or that commit is gone. */
export async function readBuilt(place: GitPlace, ref: string): Promise<string | null> {
  const format = ["for-each-ref", "--format=%(objectname)", ref];
  const commit = (await git(place, format, "git for-each-ref failed")).trim();
  return commit === "" ? null : commit;
}

export async function writeBuilt(place: GitPlace, ref: string, commit: string): Promise<void> {
  await git(place, ["update-ref", ref, commit], "git update-ref failed");
}

export interface Range {
  readonly count: number;
  /** The subjects of the newest commits, one line each. */
  readonly subjects: readonly string[];
}

const subjectsMax = 30, subjectMaxChars = 200;

/** The commits after `from`, up to `to`; all up to `to` without `from`. */
export async function readRange(place: GitPlace, from: string | null, to: string): Promise<Range> {
  const range = from === null ? to : `${from}..${to}`;
  const count = Number(await git(place, ["rev-list", "--count", range], "git rev-list failed"));
  const format = ["log", `--max-count=${subjectsMax}`, "--format=%h %s", "--no-show-signature", range];
  const lines = (await git(place, format, "git log failed")).split("\n").filter((line) => line !== "");
  return { count, subjects: lines.map((line) => line.slice(0, subjectMaxChars)) };
}
