/** Checks the files of runs when the kernel starts: restores missing reports, and names worktrees without a run. */
import { messageOf } from "../base/errors.ts";
import { listWorktrees } from "../store/maintenance/worktrees.ts";
import type { LogStore } from "../store/log/log_store.ts";
import type { Reports } from "./reports.ts";

export interface RunFilesPorts {
  readonly reports: Pick<Reports, "mendAll" | "mended">;
  readonly store: { readonly runs: { get(runId: string): unknown }; readonly log: Pick<LogStore, "append"> };
}

const namedMax = 10;

/** `worktrees`: their folder. Never rejects. */
export async function lookAtRunFiles(
  { reports, store }: RunFilesPorts,
  worktrees: string,
  reportProblem: (message: string) => void,
): Promise<void> {
  await reports.mendAll();
  const { mended: reported } = reports;
  if (reported > 0) {
    store.log.append({
      source: "kernel",
      type: "kernel.reports_mended",
      refId: null,
      causeId: null,
      payload: { reported },
    });
  }
  try {
    const orphans = listWorktrees(worktrees).map(({ runId }) => runId).filter((runId) =>
      store.runs.get(runId) === null
    );
    if (orphans.length === 0) return;
    const more = orphans.length > namedMax ? ` and ${orphans.length - namedMax} more` : "";
    const names = orphans.slice(0, namedMax).join(", ");
    reportProblem(`there are worktrees of no run: ${names}${more}; nerve worktree clean --orphans removes them`);
  } catch (thrown) {
    reportProblem(`the worktrees of runs cannot be looked at: ${messageOf(thrown)}`);
  }
}
