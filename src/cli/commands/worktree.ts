/** `nerve worktree list` and `clean`: list and remove what runs have checked out, with or without a daemon. */
import { NerveError } from "../../base/errors.ts";
import { unknownRun } from "../../protocol/common_errors.ts";
import { isPlainObject } from "../../protocol/json.ts";
import type { RunStatus } from "../../protocol/run.ts";
import { listWorktrees, removeWorktree, repositoryOf, type Worktree } from "../../store/maintenance/worktrees.ts";
import { type CliIo, exit } from "../io.ts";
import { type CliRecords, openRecordsOrEmpty } from "../open_records.ts";
import type { ShownWorktree, WorktreeCleanOutput, WorktreeListOutput } from "../render/worktree_schemas.ts";
import { plural, print, printJson, printTable, sign } from "../render/terminal.ts";
import { openWorkspace } from "../workspace.ts";

interface ListFlags {
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

interface CleanFlags extends ListFlags {
  readonly orphans: boolean;
  readonly force: boolean;
}

export async function worktreeList(io: CliIo, flags: ListFlags): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace);
  using records = openRecordsOrEmpty(paths);
  const items = listWorktrees(paths.worktrees).map((worktree) => toShown(worktree, records));
  if (flags.json) printJson(io, { items } satisfies WorktreeListOutput);
  else if (items.length === 0) print(io, "no run has a worktree");
  else {
    const rows = items.map(({ runId, status, branch, repository, path }) => [
      ...[signOf(status), runId, status ?? "no such run"],
      ...[branch ?? "-", repository ?? "-", path],
    ]);
    printTable(io, ["", "RUN", "STATUS", "BRANCH", "REPOSITORY", "FOLDER"], rows);
    const over = items.filter(({ cleanable }) => cleanable).length;
    if (over > 0) print(io, `${sign.next} ${plural(over, "worktree")} of runs that have ended: nerve worktree clean`);
  }
  return exit.ok;
}

function signOf(status: RunStatus | null): string {
  return status === null ? sign.warning : status === "completed" ? sign.ok : sign.idle;
}

function toShown(worktree: Worktree, records: CliRecords): ShownWorktree {
  const { runId, folder, branch } = worktree, run = records.run(runId), repository = repositoryOf(worktree);
  // Until the run's `finally` is done, the worktree may still be in use.
  const over = run !== null && run.endedAt !== null && !records.isClosing(runId);
  const uncommitted = over && isUncommitted(records, runId);
  return {
    ...{ runId, status: run?.status ?? null, branch, repository, path: folder },
    ...{ over, uncommitted, cleanable: over && !uncommitted },
  };
}

/**
 * Whether its `finally` left something uncommitted, or failed. Does not ask git, whose settings there are the agents'.
 */
function isUncommitted(records: CliRecords, runId: string): boolean {
  const [row] = records.logs({ refId: runId, type: "run.closed", order: "desc", limit: 1 });
  const { error, meta } = isPlainObject(row?.payload) ? row.payload : {};
  return typeof error === "string" || (isPlainObject(meta) && meta.uncommitted === true);
}

/** Without `runs`, removes the worktrees of all runs that have ended. */
export async function worktreeClean(io: CliIo, flags: CleanFlags, ...runs: string[]): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace);
  using records = openRecordsOrEmpty(paths);
  const all = listWorktrees(paths.worktrees), missing = runs.find((runId) => !all.some((each) => each.runId === runId));
  if (missing !== undefined) {
    if (records.run(missing) === null) throw unknownRun(missing);
    throw new NerveError("USAGE", `run ${missing} has no worktree`, { hint: "nerve worktree list" });
  }
  const chosen = all.filter(({ runId }) => runs.length === 0 || runs.includes(runId));
  const removed: ShownWorktree[] = [], kept: ShownWorktree[] = [];
  for (const worktree of chosen) {
    const shown = toShown(worktree, records), { cleanable, over, status } = shown;
    const goes = cleanable || (over && flags.force) || (status === null && flags.orphans);
    if (goes) await removeWorktree(worktree);
    (goes ? removed : kept).push(shown);
  }
  if (flags.json) printJson(io, { removed, kept } satisfies WorktreeCleanOutput);
  else {
    for (const { runId, branch } of removed) {
      print(io, `${sign.ok} ${runId}${branch === null ? "" : `: ${branch} stays`}`);
    }
    for (const each of kept) print(io, `${sign.warning} ${each.runId} stays: ${describeKept(each)}`);
    if (removed.length + kept.length === 0) print(io, "no run has a worktree");
  }
  return runs.length > 0 && kept.length > 0 ? exit.failed : exit.ok;
}

function describeKept({ status, over }: ShownWorktree): string {
  if (over) return "it has changes that are not committed; --force removes them";
  return status === null ? "there is no such run; --orphans removes it" : `its run is ${status}`;
}
