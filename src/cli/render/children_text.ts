/** Shows the children of a run. Used by workflow_inspect.ts, workflow_thread.ts and why.ts; needs no daemon. */
import type { WorkspacePaths } from "../../config/workspace.ts";
import type { Run, RunStatus } from "../../protocol/run.ts";
import type { ChildOfRun } from "../../protocol/run_wait.ts";
import type { CliIo } from "../io.ts";
import type { CliRecords } from "../open_records.ts";
import { readConfigFile } from "../workspace.ts";
import { clip, dim, print, printTable, runSign, sign, toOneLine } from "./terminal.ts";

const shownMax = 20;
const unfinished: readonly RunStatus[] = ["queued", "started", "waiting", "paused"];

/** Unfinished children come first. For a run that waits, shows only the children that it waits for. */
export async function printChildren(io: CliIo, paths: WorkspacePaths, records: CliRecords, run: Run): Promise<void> {
  const all = records.children(run.runId), waits = run.status === "waiting" || run.status === "paused";
  const now = all.filter(({ round }) => !waits || round === run.rounds + 1), children = now.length > 0 ? now : all;
  if (children.length === 0) return;
  const sorted = [...children.filter(goesOn), ...children.filter((child) => !goesOn(child))];
  print(io);
  printTable(io, ["CHILD", "WORKFLOW", "STATUS", "REASON"], sorted.slice(0, shownMax).map(toCells));
  const more = sorted.length > shownMax ? `${sorted.length - shownMax} more; ` : "";
  print(io, dim(io, `${more}${children.filter(goesOn).length} of ${children.length} have not ended`));
  const blocked = await findBlocked(paths, records, children);
  if (blocked !== null) print(io, `${sign.warning} ${blocked}`);
}

function goesOn({ refused, run }: ChildOfRun): boolean {
  return refused === null && (run === null || unfinished.includes(run.status));
}

function toCells({ runId, workflow, refused, run }: ChildOfRun): string[] {
  const status = run?.status ?? (refused === null ? "not started" : "refused");
  const mark = run === null ? refused === null ? sign.next : sign.broken : runSign[run.status];
  const reason = run?.reason ?? refused;
  return [clip(runId, 128), workflow, `${mark} ${status}`, reason === null ? "-" : toOneLine(reason, 100)];
}

/** Why a queued run may never start: the runs that hold the slots of its workflow wait, perhaps for this very run. */
async function findBlocked(
  paths: WorkspacePaths,
  records: CliRecords,
  children: readonly ChildOfRun[],
): Promise<string | null> {
  const queued = children.find(({ run }) => run?.status === "queued");
  if (queued === undefined) return null;
  const { workflow, runId } = queued;
  const count = (...statuses: RunStatus[]) => records.runs({ workflow, statuses, limit: 1, offset: 0 }).total;
  const holders = count("waiting", "paused");
  if (holders === 0 || count("started") > 0) return null;
  const parsed = await readConfigFile(paths),
    plan = parsed.ok ? parsed.value.config.workflows.get(workflow) : undefined;
  if (plan?.waiting !== "keep" || holders < plan.concurrency) return null;
  return `run ${runId} cannot start: runs of ${workflow} that wait or are paused hold all ${plan.concurrency} of its slots;` +
    " raise its concurrency, let it say waiting: release, or kill one of them";
}
