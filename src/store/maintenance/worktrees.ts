/**
 * The worktrees that runs have made in data/worktrees, a folder for each run. Used by `nerve worktree` and by the
 * kernel, which names worktrees without a run.
 * I1. git is never run here: agents control its settings and the files of a worktree.
 */
import { dirname, join, resolve } from "node:path";
import { ifPresent } from "../../base/if_present.ts";
import { readSmallFile } from "../../base/small_file.ts";
import { listEntries } from "./data_files.ts";

export interface Worktree {
  readonly runId: string;
  /** The folder of the run, with everything that it has checked out. */
  readonly folder: string;
  /** Git's administrative folder of the run's worktree `main`, and its branch. Null: unknown. */
  readonly admin: string | null;
  readonly branch: string | null;
}

/** The worktree of the run at `folder`. */
function readWorktree(folder: string, runId: string): Worktree {
  const main = join(folder, "main"), admin = findAdmin(main);
  const head = admin === null ? null : readSmallFile(join(admin, "HEAD"));
  return { runId, folder, admin, branch: /^ref: refs\/heads\/(.+)$/m.exec(head ?? "")?.[1] ?? null };
}

/** The worktrees, sorted by run. */
export function listWorktrees(folder: string): Worktree[] {
  const names = listEntries(folder).filter(({ isDirectory, name }) => isDirectory && !name.startsWith("."));
  return names.map(({ name }) => readWorktree(join(folder, name), name)).sort((a, b) => a.runId < b.runId ? -1 : 1);
}

/**
 * The administrative folder that `.git` names, if it belongs to this very worktree. An agent may have written `.git`: a
 * folder in the worktree itself, or behind a link, does not count.
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

/** The worktree's repository: its working folder, or the bare repository. */
export function repositoryOf({ admin }: Worktree): string | null {
  if (admin === null) return null;
  const common = dirname(dirname(admin));
  return common.endsWith("/.git") ? dirname(common) : common;
}

/** Removes the worktree and its administrative folder. The branch stays, and with it what is committed. */
export async function removeWorktree({ folder, admin }: Worktree): Promise<void> {
  await Deno.remove(folder, { recursive: true });
  // Checked again, because removing the folder took time.
  if (admin !== null && isReal(admin)) await Deno.remove(admin, { recursive: true });
}
