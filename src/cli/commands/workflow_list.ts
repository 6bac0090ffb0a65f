/** `nerve workflow list`: the workflows and a page of their runs, from the database; counts are live with a daemon. */
import { NerveError } from "../../base/errors.ts";
import type { NerveConfig } from "../../config/types.ts";
import type { WorkflowView } from "../../protocol/api.ts";
import { unknownWorkflow } from "../../protocol/common_errors.ts";
import type { RunPage } from "../../protocol/queries.ts";
import { type RunStatus, runStatusSchema } from "../../protocol/run.ts";
import { formatSchedule } from "../../protocol/schedule_text.ts";
import { askOrRead, printNoAnswer } from "../daemon/ask_daemon.ts";
import { type CliIo, exit } from "../io.ts";
import { type CliRecords, openRecords } from "../open_records.ts";
import { describeStatus } from "../render/closing_text.ts";
import { listCodeColumn, placeSameCodeTogether } from "../render/same_code.ts";
import {
  clip,
  dim,
  formatDistance,
  formatNext,
  plural,
  print,
  printJson,
  printPage,
  printTable,
  runSign,
  sign,
  toOneLine,
} from "../render/terminal.ts";
import { openWorkspace, requireConfig } from "../workspace.ts";

interface Flags {
  readonly all: boolean;
  readonly workflow?: string | undefined;
  readonly status?: string | undefined;
  readonly limit?: number | undefined;
  readonly offset?: number | undefined;
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

const unfinished: readonly RunStatus[] = ["queued", "started", "waiting", "paused"];

export async function workflowList(io: CliIo, flags: Flags): Promise<number> {
  const statuses = flags.status === undefined ? (flags.all ? undefined : unfinished) : parseStatuses(flags.status);
  const paths = await openWorkspace(io, flags.workspace);
  const { live, problem } = await askOrRead(paths, (client) => client.workflows());
  using records = openRecords(paths);
  const all = live ?? readStored(await requireConfig(paths), records), { workflow: wanted } = flags;
  const workflows = placeSameCodeTogether(all.filter(({ name }) => wanted === undefined || name === wanted));
  // A workflow that was removed may have runs.
  if (wanted !== undefined && workflows.length === 0 && countRuns(records, wanted) === 0) {
    throw unknownWorkflow(wanted, all.map(({ name }) => name));
  }
  const offset = flags.offset ?? 0;
  const runs = records?.runs({
    ...(wanted === undefined ? {} : { workflow: wanted }),
    ...(statuses === undefined ? {} : { statuses }),
    limit: flags.limit ?? 20,
    offset,
  }) ?? { total: 0, items: [] };
  if (flags.json) {
    printJson(io, { daemon: live !== null, problem, workflows, runs: { ...runs, offset } });
    return exit.ok;
  }
  printWorkflows(io, workflows, live !== null);
  if (live === null) printNoAnswer(io, problem);
  printRuns(io, runs, flags, records);
  return exit.ok;
}

/** The number of runs of the workflow; without a name, of all workflows. */
function countRuns(records: CliRecords | null, workflow: string | undefined): number {
  return records?.runs({ ...(workflow === undefined ? {} : { workflow }), limit: 1, offset: 0 }).total ?? 0;
}

function readStored(config: NerveConfig, records: CliRecords | null): WorkflowView[] {
  const count = (workflow: string, status: RunStatus) =>
    records?.runs({ workflow, statuses: [status], limit: 1, offset: 0 }).total ?? 0;
  return [...config.workflows.values()].map(({ name, use, concurrency, overflow, schedule }) => ({
    name,
    use,
    concurrency,
    overflow,
    active: count(name, "started"),
    queued: count(name, "queued"),
    schedule: schedule.map(formatSchedule),
    nextDue: null,
    waiting: count(name, "waiting"),
    paused: count(name, "paused"),
    problem: null,
  }));
}

function printWorkflows(io: CliIo, workflows: readonly WorkflowView[], live: boolean): void {
  const code = listCodeColumn(workflows), now = io.clock.now();
  const scheduled = workflows.some(({ schedule }) => schedule.length > 0);
  printTable(
    io,
    [
      "",
      "WORKFLOW",
      ...code.title,
      "ACTIVE",
      "QUEUED",
      "WAITING",
      "OVERFLOW",
      ...scheduled ? ["NEXT", "SCHEDULE"] : [],
    ],
    workflows.map(({ name, use, active, queued, waiting, concurrency, overflow, schedule, nextDue, problem }) => [
      problem !== null ? sign.broken : live ? sign.live : sign.idle,
      name,
      ...code.cell({ name, use }),
      `${active} of ${concurrency}`,
      String(queued),
      String(waiting),
      overflow,
      ...scheduled ? [nextDue === null ? "-" : formatNext(nextDue, now), clip(schedule.join("; "), 80)] : [],
    ]),
  );
  for (const { name, problem } of workflows) {
    if (problem !== null) print(io, `${sign.broken} ${name}: ${toOneLine(problem, 300)}`);
  }
}

function printRuns(io: CliIo, runs: RunPage, flags: Flags, records: CliRecords | null): void {
  const now = io.clock.now();
  print(io);
  if (runs.items.length > 0) {
    printTable(
      io,
      ["", "RUN", "WORKFLOW", "STATUS", "EXIT", "ATTEMPTS", "ROUNDS", "SINCE", "ABOUT"],
      runs.items.map((run) => [
        runSign[run.status],
        run.runId,
        run.workflow,
        describeStatus(records, run),
        run.exitCode === null ? "-" : String(run.exitCode),
        String(run.attempt),
        `${run.rounds}/${run.maxRounds}`,
        formatDistance(run.endedAt ?? run.startedAt ?? run.queuedAt, now),
        clip(run.reason ?? run.prompt, 60),
      ]),
    );
  }
  const includesEnded = flags.all || flags.status !== undefined;
  printPage(io, {
    offset: flags.offset ?? 0,
    shown: runs.items.length,
    total: runs.total,
    what: includesEnded ? "runs" : "unfinished runs",
    next: formatNextCommand(flags, (flags.offset ?? 0) + runs.items.length),
  });
  if (includesEnded) return;
  const all = countRuns(records, flags.workflow);
  if (all > runs.total) {
    const command = formatNextCommand({ ...flags, all: true }, 0);
    print(io, dim(io, `${plural(all, "run")} in all: ${command}`));
  }
}

function formatNextCommand(flags: Flags, offset: number): string {
  const parts = ["nerve workflow list"];
  if (offset > 0) parts.push(`--offset ${offset}`);
  if (flags.all) parts.push("--all");
  if (flags.workflow !== undefined) parts.push(`--workflow ${flags.workflow}`);
  if (flags.status !== undefined) parts.push(`--status ${flags.status}`);
  if (flags.limit !== undefined) parts.push(`--limit ${flags.limit}`);
  return parts.join(" ");
}

function parseStatuses(text: string): RunStatus[] {
  return text.split(",").map((part) => {
    const status = runStatusSchema.safeParse(part.trim());
    if (status.success) return status.data;
    throw new NerveError("USAGE", `"${part}" is not a status of a run`, {
      hint: `there are: ${runStatusSchema.options.join(", ")}`,
    });
  });
}
