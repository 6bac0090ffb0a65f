/**
 * The worktrees that runs have made in data/worktrees, a folder for each run. Used by `nerve worktree` and by the kernel,
 * which names those of no run.
 * I1. git is never run here: its settings and the files of a worktree are those of agents.
 */
import { dirname, join, resolve } from "node:path";
import { ifPresent } from "../../base/if_present.ts";
import { readSmallFile } from "../../base/small_file.ts";
import { listEntries } from "./data_files.ts";

export interface Worktree {
  readonly runId: string;
  /** The folder of the run, with all that it has checked out. */
  readonly folder: string;
  /** Of the worktree `main` of the run: where its repository keeps what it knows of it, and the branch. Null: unknown. */
  readonly admin: string | null;
  readonly branch: string | null;
}

/** Of the run at `folder`; null when there is none. */
function readWorktree(folder: string, runId: string): Worktree {
  const main = join(folder, "main"), admin = findAdmin(main);
  const head = admin === null ? null : readSmallFile(join(admin, "HEAD"));
  return { runId, folder, admin, branch: /^ref: refs\/heads\/(.+)$/m.exec(head ?? "")?.[1] ?? null };
}

/** By run, sorted. */
export function listWorktrees(folder: string): Worktree[] {
  const names = listEntries(folder).filter(({ isDirectory, name }) => isDirectory && !name.startsWith("."));
  return names.map(({ name }) => readWorktree(join(folder, name), name)).sort((a, b) => a.runId < b.runId ? -1 : 1);
}

/**
 * What its `.git` names, if that is what a repository knows of this very folder. An agent may have written it: what lies
 * in the worktree itself, or behind a link, is none.
 */
function findAdmin(main: string): string | null {
  const to = /^gitdir: (.+)$/m.exec(readSmallFile(join(main, ".git")) ?? "")?.[1];
  if (to === undefined) return null;
  const admin = resolve(main, to), back = readSmallFile(join(admin, "gitdir"))?.trim();
  const isWorktree = /\/worktrees\/[^/]+$/.test(admin);
  const isOurs = isWorktree && back !== undefined && resolve(admin, back) === join(main, ".git");
  return isOurs && !`${admin}/`.startsWith(`${dirname(main)}/`) && isReal(admin) ? admin : null;
}

function isReal(path: string): boolean {
  return ifPresent(() => Deno.realPathSync(path)) === path;
}

/** The repository that it is of: the folder with the work, or the bare one. */
export function repositoryOf({ admin }: Worktree): string | null {
  if (admin === null) return null;
  const common = dirname(dirname(admin));
  return common.endsWith("/.git") ? dirname(common) : common;
}

/** Removes the folder, and what its repository knows of it. The branch stays, and with it what is committed. */
export async function removeWorktree({ folder, admin }: Worktree): Promise<void> {
  await Deno.remove(folder, { recursive: true });
  // Looked at again: removing the folder took its time.
  if (admin !== null && isReal(admin)) await Deno.remove(admin, { recursive: true });
}
