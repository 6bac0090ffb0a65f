/** `nerve workflow inspect RUN`: a run, its attempts, and a page of its rows in the log. */
import { reasonMaxChars } from "../../base/limits.ts";
import { isPlainObject } from "../../protocol/json.ts";
import type { Approval } from "../../protocol/approval.ts";
import type { LogRow } from "../../protocol/log.ts";
import { toNextRow } from "../../protocol/queries.ts";
import type { Run } from "../../protocol/run.ts";
import { type CliIo, exit } from "../io.ts";
import { type CliRecords, openRecordsOrEmpty, requireRun } from "../open_records.ts";
import { describeClosing } from "../render/closing_text.ts";
import { printChildren } from "../render/children_text.ts";
import {
  clip,
  dim,
  formatDateTime,
  plural,
  preview,
  print,
  printJson,
  printTable,
  runSign,
  toOneLine,
} from "../render/terminal.ts";
import { openWorkspace } from "../workspace.ts";

/** How many attempts the table shows; `--json` has up to 1,000. */
const attemptsShown = 10;

interface Flags {
  readonly limit?: number | undefined;
  readonly after?: number | undefined;
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

export async function workflowInspect(io: CliIo, flags: Flags, runId: string): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace);
  using records = openRecordsOrEmpty(paths);
  const run = requireRun(records, runId);
  const limit = flags.limit ?? 20;
  const filter = { refId: runId, order: "asc", limit, afterId: flags.after ?? 0 } as const;
  const rows = records.logs(filter), nextRow = toNextRow(filter, rows);
  const more = nextRow !== null && records.logs(nextRow).length > 0;
  const total = records.countRows(runId);
  if (flags.json) {
    printJson(io, {
      run,
      attempts: readAttempts(records, runId),
      children: records.children(runId),
      rows,
      more,
      total,
    });
    return exit.ok;
  }
  printRun(io, run, {
    asked: run.status === "waiting" ? records.approvalAt(runId, run.rounds + 1) : null,
    fork: describeFork(records, runId),
    closing: describeClosing(records, runId),
    isHeld: isHeld(records, run),
  });
  await printChildren(io, paths, records, run);
  printAttempts(io, readAttempts(records, runId));
  printRows(io, rows);
  print(io, dim(io, `${plural(rows.length, "row")}${total === null ? "" : ` of ${total}`}`));
  const last = rows.at(-1);
  if (last !== undefined && more) {
    print(io, dim(io, `next: nerve workflow inspect ${runId} --after ${last.id} --limit ${limit}`));
  }
  print(io, dim(io, `messages: nerve workflow thread ${runId}`));
  return exit.ok;
}

/** One process's work on the run, or a hold. `after`: why the attempt before it ended. */
interface Attempt {
  readonly attempt: number;
  readonly at: number;
  readonly round: number;
  readonly after: string | null;
}

/** The attempts, oldest first. */
function readAttempts(records: CliRecords, runId: string): Attempt[] {
  const read = (type: LogRow["type"]) => records.logs({ refId: runId, type, order: "desc", limit: 1_000 });
  const rows = [...(["run.started", "run.resumed", "run.held"] as const).flatMap(read)];
  const known = new Set(rows.map(({ payload }) => isPlainObject(payload) ? payload.attempt : null));
  const woken = read("run.waiting").flatMap((row) => {
    const next = readWoken(records, runId, row);
    // A role with an unknown end that runs again has a row of its own.
    return next === null || known.has(Object(next.payload).attempt) ? [] : [next];
  });
  return [...rows, ...woken].sort((a, b) => a.id - b.id).map(({ ts, payload }) => {
    const { attempt, rounds, after: before, reason } = isPlainObject(payload) ? payload : {}, after = before ?? reason;
    return {
      attempt: Number(attempt),
      at: ts,
      round: Number(rounds ?? 0) + 1,
      after: typeof after === "string" ? after : null,
    };
  });
}

/** The attempt after a wait, in the form of the other rows; null while the wait continues, or if it ended the run. */
function readWoken(
  records: CliRecords,
  runId: string,
  { id, payload }: LogRow,
): Pick<LogRow, "id" | "ts" | "payload"> | null {
  const [settled] = records.logs({ refId: runId, type: "run.message", order: "asc", limit: 1, afterId: id });
  if (settled === undefined || !isPlainObject(payload) || !isPlainObject(settled.payload)) return null;
  const { attempt, reason } = payload, { round } = settled.payload;
  const after = `it waited: ${reason}`;
  return { id: settled.id, ts: settled.ts, payload: { attempt: Number(attempt) + 1, rounds: Number(round), after } };
}

function printAttempts(io: CliIo, attempts: readonly Attempt[]): void {
  if (attempts.length < 2) return;
  print(io);
  printTable(
    io,
    ["ATTEMPT", "TIME", "ROUND", "AFTER"],
    attempts.slice(-attemptsShown).map(({ attempt, at, round, after }) => [
      String(attempt),
      formatDateTime(at),
      String(round),
      after === null ? "-" : toOneLine(after, reasonMaxChars),
    ]),
  );
}

/** `run R, 3 messages`, for a run that took over messages. */
function describeFork(records: CliRecords, runId: string): string | null {
  const [first] = records.logs({ refId: runId, order: "asc", limit: 1 });
  const { fork } = first !== undefined && isPlainObject(first.payload) ? first.payload : {};
  return isPlainObject(fork) ? `run ${fork.runId}, ${plural(Number(fork.rounds), "message")}` : null;
}

/** Whether the run is paused because its code contradicts its messages. */
function isHeld(records: CliRecords, { runId, status }: Run): boolean {
  if (status !== "paused") return false;
  const [row] = records.logs({ refId: runId, type: "run.paused", order: "desc", limit: 1 });
  const { pause } = row !== undefined && isPlainObject(row.payload) ? row.payload : {};
  return isPlainObject(pause) && typeof pause.code === "string";
}

interface MoreOfRun {
  /** The request that it waits for. */
  readonly asked: Approval | null;
  /** The run from which it took over messages. */
  readonly fork: string | null;
  /** The outcome of its `finally`. */
  readonly closing: string | null;
  readonly isHeld: boolean;
}

function printRun(io: CliIo, run: Run, { asked, fork, closing, isHeld }: MoreOfRun): void {
  const { trigger, causeId } = run;
  const by = trigger.kind === "sense"
    ? `sense ${trigger.sense}`
    : trigger.kind === "schedule"
    ? `its schedule (${trigger.cron})`
    : trigger.kind === "alert"
    ? `alert ${trigger.alert}`
    : trigger.kind === "approval"
    ? `request ${trigger.request}, to tell people of it`
    : trigger.kind === "run"
    ? `run ${trigger.run}, round ${trigger.round}`
    : "hand";
  const time = (ms: number | null) => ms === null ? "-" : formatDateTime(ms);
  print(io, `${runSign[run.status]} ${run.runId} of ${run.workflow}: ${run.status}`);
  const fields: [string, string][] = [
    ["exit code", run.exitCode === null ? "-" : String(run.exitCode)],
    ["reason", run.reason === null ? "-" : toOneLine(run.reason, reasonMaxChars)],
    ["started by", `${by}${causeId === null ? "" : `, row ${causeId}`}`],
    ...fork === null ? [] : [["forked from", fork] satisfies [string, string]],
    ["prompt", run.prompt === "" ? "-" : clip(run.prompt, 500)],
    ["payload", preview(run.payload, 500)],
    ["rounds", `${run.rounds} of at most ${run.maxRounds}`],
    ["attempts", String(run.attempt)],
    ["queued", time(run.queuedAt)],
    ["started", time(run.startedAt)],
    ["ended", time(run.endedAt)],
    ...closing === null ? [] : [["finally", closing] satisfies [string, string]],
  ];
  for (const [name, value] of fields) print(io, `   ${dim(io, name.padEnd(11))} ${value}`);
  if (run.status === "waiting") {
    const next = asked === null ? "it continues automatically" : `nerve approvals ${asked.id}`;
    print(io, dim(io, `next: ${next}, or nerve workflow kill ${run.runId}`));
  }
  if (run.status !== "paused") return;
  const how = isHeld ? `save code that agrees with its messages, ` : "", resume = `nerve workflow resume ${run.runId}`;
  print(io, dim(io, `next: ${how}${resume}${isHeld ? " --accept-code, or kill it" : ""}`));
}

/** Rows that contain the reason for a failure are shown whole. */
const failures: ReadonlySet<LogRow["type"]> = new Set([
  ...["run.attempt_failed", "run.failed", "run.crashed", "run.killed", "run.interrupted", "run.dropped"] as const,
  ...["run.refused", "run.resumed", "run.held", "run.stayed", "run.child_refused", "run.closed"] as const,
  ...["approval.decided", "approval.refused"] as const,
]);

function printRows(io: CliIo, rows: readonly LogRow[]): void {
  print(io);
  printTable(
    io,
    ["ROW", "TIME", "TYPE", "DETAIL"],
    rows.map((
      row,
    ) => [
      String(row.id),
      formatDateTime(row.ts),
      row.type,
      preview(row.payload, failures.has(row.type) ? reasonMaxChars : 100),
    ]),
  );
}
