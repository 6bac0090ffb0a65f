/**
 * `nerve why ID`: the chain of causes of a signal, a run or a row of the log, back to the first compute.
 * `nerve why --sense NAME`: what a sense recently did not do, and why. why_alert.ts has `--alert NAME`. All read the
 * database and need no daemon.
 */
import { NerveError } from "../../base/errors.ts";
import { toPrintable } from "../../base/printable.ts";
import type { WorkspacePaths } from "../../config/workspace.ts";
import type { ApprovalSummary } from "../../protocol/approval.ts";
import { unknownSense } from "../../protocol/common_errors.ts";
import { isPlainObject } from "../../protocol/json.ts";
import type { LogRow } from "../../protocol/log.ts";
import { describePause } from "../../protocol/pause_text.ts";
import type { SensePause } from "../../protocol/sense_pause.ts";
import type { Run } from "../../protocol/run.ts";
import { askOrRead } from "../daemon/ask_daemon.ts";
import { type CliIo, exit } from "../io.ts";
import { type CliRecords, openRecordsOrEmpty, printNothingYet, requireRun } from "../open_records.ts";
import {
  describeFirstCause,
  describeNonAction,
  describeRow,
  findRow,
  formatElapsed,
  traceCauses,
} from "../render/cause_text.ts";
import { printChildren } from "../render/children_text.ts";
import { describeDeciders, tellDecision } from "../render/deciders.ts";
import type { WhyNotOutput, WhyOutput } from "../render/json_schemas.ts";
import {
  clip,
  dim,
  formatDateTime,
  formatDistance,
  formatNext,
  formatRowHead,
  plural,
  print,
  printJson,
  runSign,
  sign,
} from "../render/terminal.ts";
import { openWorkspace, readApprovers, requireConfig } from "../workspace.ts";

interface Flags {
  readonly sense?: string | undefined;
  readonly alert?: string | undefined;
  readonly limit?: number | undefined;
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

/** Types of the rows that record why a sense gave no signal, or which directive was ignored. */
const nonActionTypes = [
  ...["sense.null", "sense.throttled", "sense.coalesced", "sense.timeout", "sense.error", "sense.group_down"],
  ...["sense.load_failed", "sense.directive_invalid", "sense.paused"],
];
const defaultLimit = 20, decisionsMax = 20;

export async function why(io: CliIo, flags: Flags, id?: string): Promise<number> {
  const { sense, alert } = flags;
  if ([id, sense, alert].filter((each) => each !== undefined).length !== 1) {
    throw new NerveError("USAGE", "nerve why takes the id of a signal, run or row, --sense NAME, or --alert NAME", {
      hint: "nerve why 1042, nerve why RUN, nerve why --sense NAME or nerve why --alert NAME",
    });
  }
  if (alert !== undefined) {
    return await (await import("./why_alert.ts")).explainAlert(
      io,
      { ...flags, limit: flags.limit ?? defaultLimit },
      alert,
    );
  }
  return id === undefined ? await explainSilence(io, flags, flags.sense ?? "") : await explainRow(io, flags, id);
}

async function explainRow(io: CliIo, flags: Flags, id: string): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace);
  using records = openRecordsOrEmpty(paths);
  const chain = traceCauses(records, findAskedRow(records, id));
  const run = records.run(id), decisions = run === null ? [] : listDecisions(records, run.runId);
  if (flags.json) {
    printJson(io, { id, chain: [...chain.rows], missing: chain.missing, decisions } satisfies WhyOutput);
    return exit.ok;
  }
  for (const [step, row] of chain.rows.entries()) {
    print(io, `${formatRowHead(io, row)} ${step === 0 ? "" : "because "}${describeRow(row)}`);
  }
  print(io, dim(io, `${describeFirstCause(chain)}${formatElapsed(chain)}`));
  for (const decision of decisions) print(io, tellDecision(decision));
  if (run?.status === "started" && run.reason !== null) print(io, `${sign.broken} now: ${clip(run.reason, 300)}`);
  if (run?.status === "waiting") await printWait(io, paths, records, run);
  if (run?.status === "waiting" || run?.status === "paused") await printChildren(io, paths, records, run);
  if (run?.status === "paused") print(io, `${runSign.paused} now: ${clip(run.reason ?? run.status, 300)}`);
  return exit.ok;
}

/** The decisions about the run, oldest first. */
function listDecisions(records: CliRecords, runId: string): ApprovalSummary[] {
  const { items } = records.approvals({ runId, all: true, limit: decisionsMax, offset: 0 });
  return items.filter(({ decision }) => decision !== null).toReversed();
}

/** Prints what the run waits for; at a gate, also for whom and since when. */
async function printWait(io: CliIo, paths: WorkspacePaths, records: CliRecords, run: Run): Promise<void> {
  print(io, `${sign.asleep} now: ${clip(run.reason ?? run.status, 300)}`);
  const asked = records.approvalAt(run.runId, run.rounds + 1);
  if (asked === null) return;
  const { id, created, expires, onExpiry } = asked, now = io.clock.now();
  const until = expires === null ? "" : `, else ${onExpiry} ${formatDistance(expires, now)}`;
  const whom = describeDeciders(asked, await readApprovers(paths)) ?? "a person";
  const since = `${formatDateTime(created)} (${formatDistance(created, now)})`;
  print(io, dim(io, `it waits for ${whom} since ${since}${until}`));
  print(io, dim(io, `next: nerve approvals ${id}`));
}

/** The row with that id, or the first row of the run with that id. Archived rows are found too. */
export function findAskedRow(records: CliRecords, id: string): LogRow {
  const row = /^\d{1,15}$/.test(id) ? findRow(records, Number(id)) : null;
  if (row !== null) return row;
  const run = records.run(id), filter = { refId: id, order: "asc", limit: 1 } as const;
  // A run that is missing in the table of runs may still have rows.
  const [first] = run === null ? records.allLogs(filter) : records.logs(filter);
  if (first !== undefined && (run !== null || first.type.startsWith("run."))) return first;
  if (/^\d{1,15}$/.test(id) && run === null) {
    const message = `there is no row ${id} in the log or its archive`;
    throw new NerveError("ROW_UNKNOWN", message, { hint: "nerve events shows the newest rows" });
  }
  requireRun(records, id);
  throw new NerveError("ROW_UNKNOWN", `the rows of run ${id} are no longer in the log`, {
    hint: `what is known about it: nerve workflow inspect ${id}`,
  });
}

async function explainSilence(io: CliIo, flags: Flags, sense: string): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace), limit = flags.limit ?? defaultLimit;
  using records = openRecordsOrEmpty(paths);
  const found = nonActionTypes
    .flatMap((type) => records.logs({ source: `sense:${sense}`, type, order: "desc", limit: limit + 1 }))
    .sort((a, b) => a.id - b.id);
  const rows = found.slice(-limit), more = found.length > limit;
  const { live, problem } = await askOrRead(
    paths,
    async (client) => (await client.senses()).find(({ name }) => name === sense),
  );
  if (rows.length === 0 && live == null) {
    const { senses } = await requireConfig(paths);
    if (!senses.has(sense)) throw unknownSense(sense, senses.keys());
  }
  if (flags.json) {
    printJson(io, { sense, items: rows, more, now: live ?? null, problem } satisfies WhyNotOutput);
    return exit.ok;
  }
  for (const row of rows) print(io, `${formatRowHead(io, row)} ${describeNonAction(row)}`);
  print(io, dim(io, `${more ? "the last " : ""}${formatCount(rows, clip(sense, 64))}`));
  // Equal rows are folded for a minute, and then written with their count (sensing/repeat_limiter.ts).
  if (live != null && rows.length > 0) print(io, dim(io, "repetitions of the last minute are not counted yet"));
  printNothingYet(io, records);
  if (more) print(io, dim(io, `more: nerve why --sense ${clip(sense, 64)} --limit ${limit * 5}`));
  if (problem !== null) print(io, `${sign.warning} its current state is unknown: ${toPrintable(problem)}`);
  else if (live?.problem != null) print(io, `${sign.broken} now: ${clip(live.problem, 300)}`);
  else if (live?.paused != null) print(io, formatPaused(live.paused, sense, io.clock.now()));
  else if (live?.nextDue != null) {
    print(io, dim(io, `it computes next ${formatNext(live.nextDue, io.clock.now())}`));
  }
  return exit.ok;
}

function formatPaused(paused: SensePause, sense: string, now: number): string {
  return `${sign.asleep} now: ${clip(describePause(paused, now), 300)}; nerve sense resume ${clip(sense, 64)}`;
}

/**
 * Counts ignored directives separately: in those computes, the sense did return something. A folded row counts as all
 * the rows that it replaces.
 */
function formatCount(rows: readonly LogRow[], sense: string): string {
  const invalid = rows.filter(({ type }) => type === "sense.directive_invalid").length;
  const reasons = rows.reduce((sum, row) => sum + (row.type === "sense.directive_invalid" ? 0 : countOf(row)), 0);
  const silent = `${plural(reasons, "reason")} why ${sense} gave no signal`;
  return invalid === 0 ? silent : `${silent}; ${plural(invalid, "directive")} ignored`;
}

function countOf({ payload }: LogRow): number {
  return isPlainObject(payload) && typeof payload.repeated === "number" ? payload.repeated : 1;
}
