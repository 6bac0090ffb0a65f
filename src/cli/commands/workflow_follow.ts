/**
 * `nerve workflow follow RUN`: prints what a run does and what its roles print, from its first row on, as it happens.
 * Ends with the run, and with the run's exit code.
 */
import { toPrintable } from "../../base/printable.ts";
import { isPlainObject, type JsonObject } from "../../protocol/json.ts";
import type { LogFilter, LogRow } from "../../protocol/log.ts";
import { toNextRow } from "../../protocol/queries.ts";
import { type Run, runStatusSchema } from "../../protocol/run.ts";
import { followRows, formatGap } from "../follow_rows.ts";
import { type CliIo, exit } from "../io.ts";
import { type CliRecords, openRecordsOrEmpty, requireRun } from "../open_records.ts";
import {
  clip,
  dim,
  formatClockTime,
  preview,
  print,
  runSign,
  sign,
  toJsonLine,
  toPrintableLines,
} from "../render/terminal.ts";
import { formatMessage } from "../render/message_text.ts";
import { describeSession } from "../render/session_text.ts";
import { connect, openWorkspace } from "../workspace.ts";

interface Flags {
  readonly json: boolean;
  readonly workspace?: string | undefined;
}

const reasonMaxChars = 1_000;

export async function workflowFollow(io: CliIo, flags: Flags, runId: string): Promise<number> {
  const paths = await openWorkspace(io, flags.workspace);
  const { run, first } = readStart(openRecordsOrEmpty(paths), runId);
  if (!flags.json) print(io, `${runSign[run.status]} ${runId} of ${toPrintable(run.workflow)}: ${run.status}`);
  if (run.endedAt !== null) {
    using records = openRecordsOrEmpty(paths);
    for (const row of readRows(records, { refId: runId })) {
      if (io.stdout.gone.aborted) break;
      printRow(io, flags, row);
    }
    return exitCodeOf(run);
  }
  using client = await connect(paths);
  const isOver = await followRows(io, client, { filter: { refId: runId }, afterId: first - 1 }, (item) => {
    if (item.kind === "row") printRow(io, flags, item.row);
    else print(io, flags.json ? toJsonLine(item.gap) : `${sign.warning} ${formatGap(item.gap)}`);
    return item.kind === "row" && endsRun(item.row) ? "over" : undefined;
  });
  if (isOver) return exitCodeOf(await client.run(runId, false));
  return io.stdout.gone.aborted ? exit.ok : exit.interrupted;
}

/** The run, and its first row that is still in the log. */
function readStart(opened: CliRecords, runId: string): { run: Run; first: number } {
  using records = opened;
  const run = requireRun(records, runId);
  return { run, first: records.logs({ refId: runId, order: "asc", limit: 1 })[0]?.id ?? 1 };
}

/** All rows, archived ones too, oldest first. */
function* readRows(records: CliRecords, about: LogFilter): Generator<LogRow> {
  for (let filter: LogFilter | null = { ...about, order: "asc", limit: 200 }; filter !== null;) {
    const rows = records.allLogs(filter);
    yield* rows;
    filter = toNextRow(filter, rows);
  }
}

function exitCodeOf({ exitCode, status }: Run): number {
  return exitCode ?? (status === "completed" ? exit.ok : exit.failed);
}

/** The row of a run's end contains the time of the end. */
function endsRun({ payload }: LogRow): boolean {
  return isPlainObject(payload) && typeof payload.endedAt === "number";
}

function printRow(io: CliIo, { json }: Flags, row: LogRow): void {
  if (json) return print(io, toJsonLine(row));
  const payload = isPlainObject(row.payload) ? row.payload : {}, time = dim(io, formatClockTime(row.ts));
  if (row.type === "run.message") {
    print(io, `${time} round ${payload.round}, ${toPrintable(String(payload.role))}`);
    const text = formatMessage(String(payload.content), payload.meta);
    if (text !== "") print(io, text);
  } else if (row.type === "run.log") {
    const level = payload.level === "info" || payload.level === "debug" ? sign.log : sign.warning;
    const data = payload.data === null || payload.data === undefined ? "" : ` ${preview(payload.data, 200)}`;
    for (const line of toPrintableLines(`${payload.message}${data}`).split("\n")) print(io, `${time} ${level} ${line}`);
  } else print(io, `${time} ${describe(row, payload)}`);
}

function describe({ type, refId }: LogRow, payload: JsonObject): string {
  const { reason, message, after, attempt, request, decision, event } = payload;
  if (type === "approval.requested" && isPlainObject(request)) {
    return `${sign.next} ${clip(String(request.title), reasonMaxChars)}: nerve approvals ${request.id}`;
  }
  const session = describeSession(type, payload);
  if (session !== null) return session;
  const what = type.replace(/^run\./, ""), status = runStatusSchema.safeParse(what);
  const mark = status.success ? runSign[status.data] : type === "run.resumed" ? runSign.started : sign.warning;
  if (type === "approval.decided" && isPlainObject(decision)) {
    return `${sign.next} ${clip(`${decision.decision} by ${decision.by ?? decision.how}`, reasonMaxChars)}`;
  }
  if (type === "run.closed") {
    const { error, content, report } = payload;
    const what = typeof error === "string" ? error : typeof report === "string" ? `the report is ${report}` : content;
    return `${typeof error === "string" ? sign.failed : sign.ok} finally: ${clip(String(what), reasonMaxChars)}`;
  }
  if (type === "run.role_begun") {
    return `${sign.next} role ${clip(String(payload.role), 100)} begins in round ${payload.round}, once`;
  }
  if (type === "run.event" && isPlainObject(event)) {
    return `${sign.next} event ${clip(String(event.name), reasonMaxChars)}`;
  }
  const why = [reason, message, after, payload.why].find((text) => typeof text === "string")?.replace(
    /^(paused|held): /,
    "",
  );
  const detail = why === undefined
    ? status.success ? "" : ` ${preview(payload, 200)}`
    : `: ${clip(why, reasonMaxChars)}`;
  const next = type === "run.paused" ? `; nerve workflow resume ${refId}` : "";
  return `${mark} ${what.replaceAll("_", " ")}${type === "run.resumed" ? `, attempt ${attempt}` : ""}${detail}${next}`;
}
