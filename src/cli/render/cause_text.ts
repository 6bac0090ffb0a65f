/**
 * Explains from rows of the log why something happened or did not happen, one line for each row. Used by
 * cli/commands/why.ts; pure apart from the records that it reads.
 */
import { formatDuration } from "../../base/duration.ts";
import { isPlainObject, type Json, type JsonObject } from "../../protocol/json.ts";
import type { LogRow, LogType } from "../../protocol/log.ts";
import type { CliRecords } from "../open_records.ts";
import { describeAccessRow } from "./access_text.ts";
import { clip, formatClockTime, formatDateTime, preview, runSign, sign } from "./terminal.ts";

const textMaxChars = 160;

export interface CauseChain {
  /** From the row in question back to the first row, which has no cause. */
  readonly rows: readonly LogRow[];
  /** The id of the next cause when its row is no longer in the log; otherwise null. */
  readonly missing: number | null;
}

export function traceCauses(records: Pick<CliRecords, "allLogs">, row: LogRow): CauseChain {
  const rows = [row];
  for (let causeId = row.causeId; causeId !== null; causeId = rows.at(-1)?.causeId ?? null) {
    const cause = findRow(records, causeId);
    // A cause is always older than its effect. Any other row could form a cycle.
    if (cause === null || cause.id >= (rows.at(-1)?.id ?? 0)) return { rows, missing: causeId };
    rows.push(cause);
  }
  return { rows, missing: null };
}

export function findRow(records: Pick<CliRecords, "allLogs">, id: number): LogRow | null {
  return records.allLogs({ afterId: id - 1, beforeId: id + 1, limit: 1 })[0] ?? null;
}

/** The row in words, without its id and time. */
export function describeRow(row: LogRow): string {
  const { type, source, refId } = row, payload = readFields(row), name = source.slice(source.indexOf(":") + 1);
  switch (type) {
    case "sense.signal":
      return `${sign.signal} ${name} signalled ${preview(payload.payload ?? null, textMaxChars)}${
        formatOccasion(payload)
      }`;
    case "sense.directive":
      return `${sign.signal} ${name} asked for workflow ${toText(payload.name)}: ` +
        `${clip(toText(payload.prompt), textMaxChars)}${formatOccasion(payload)}`;
    case "workflow.due":
      return `${sign.due} ${name} was due at ${formatDue(payload)}${
        payload.caughtUp === true ? ", which was caught up: no daemon ran then" : ""
      }`;
    case "workflow.missed":
      return `${sign.asleep} ${name} was due at ${formatDue(payload)}, when no daemon ran: nothing was started`;
    case "run.queued":
    case "run.started":
    case "run.completed":
    case "run.failed":
    case "run.killed":
    case "run.crashed":
    case "run.interrupted":
    case "run.dropped": {
      const status = type.slice("run.".length) as keyof typeof runSign;
      const reason = typeof payload.reason === "string" ? `: ${clip(payload.reason, textMaxChars)}` : "";
      return `${runSign[status]} run ${clip(refId ?? "", 128)} of ${name} was ${status}${reason}`;
    }
    case "run.paused":
      return `${runSign.paused} run ${clip(refId ?? "", 128)} of ${name} was ${
        clip(toText(payload.reason), textMaxChars)
      }`;
    case "run.waiting":
      return `${runSign.waiting} run ${clip(refId ?? "", 128)} of ${name} waits: ${
        clip(toText(payload.reason), textMaxChars)
      }`;
    case "run.child_refused":
      return `${sign.warning} run ${clip(toText(payload.runId), 128)} was not started: ${whyOf(payload)}`;
    case "approval.refused":
      return `${sign.warning} a decision of run ${clip(refId ?? "", 128)} was refused: ${whyOf(payload)}`;
    case "run.closed":
      return describeClosed(name, clip(refId ?? "", 128), payload);
    case "run.held":
      return `${sign.broken} run ${clip(refId ?? "", 128)} of ${name} is ${clip(toText(payload.reason), textMaxChars)}`;
    default:
      if (isAlertType(type)) return describeAlertRow(type, name, payload);
      return describeHookRow(row) ?? describeAccessRow(row) ?? describeNonAction(row) ?? describeOccasion(row) ??
        describeOther(row);
  }
}

function isAlertType(type: LogType): type is Extract<LogType, `alert.${string}`> {
  return type.startsWith("alert.");
}

function describeClosed(workflow: string, run: string, { error, content, report }: JsonObject): string {
  if (typeof error === "string") {
    return `${sign.warning} the finally of run ${run} of ${workflow} failed: ${clip(error, textMaxChars)}`;
  }
  return `${sign.log} run ${run} of ${workflow} was closed: ${
    typeof report === "string" ? `the report is ${report}` : clip(toText(content), textMaxChars)
  }`;
}

/** Describes what woke a sense, or allows it to be woken. Null for other rows. */
function describeOccasion(row: LogRow): string | null {
  const payload = readFields(row);
  if (row.type === "sense.triggered") return `${sign.next} ${clip(row.refId ?? "it", 64)} was triggered by hand`;
  if (row.type === "sense.paths_changed") return `${sign.next} ${describeChangedPaths(payload)}`;
  if (row.type !== "sense.resumed") return null;
  return `${sign.live} was resumed after ${toText(payload.skipped)} skipped triggers: ${whyOf(payload)}`;
}

/** `3 watched paths changed: /srv/in/a, ...` */
function describeChangedPaths({ paths, changed, complete }: JsonObject): string {
  const [first] = Array.isArray(paths) ? paths : [], count = typeof changed === "number" ? changed : 0;
  if (count === 0) return "watched paths changed, which have no names any more";
  const more = count > 1 ? ` and ${count - 1} more` : "", open = complete === false ? ", and perhaps others" : "";
  return `${count === 1 ? "a watched path" : `${count} watched paths`} changed: ${
    clip(toText(first), textMaxChars)
  }${more}${open}`;
}

function whyOf({ why }: JsonObject): string {
  return clip(toText(why), textMaxChars);
}

function describeOther({ type, source, payload }: LogRow): string {
  return `${sign.log} ${type} ${clip(source, 100)} ${preview(payload, textMaxChars)}`;
}

/** Null for other rows. */
function describeHookRow(row: LogRow): string | null {
  const payload = readFields(row), name = row.refId ?? "";
  switch (row.type) {
    case "hook.delivery":
      return `${sign.signal} hook ${name} took a delivery${toKeyText(payload)}: ${
        preview(payload.body ?? null, textMaxChars)
      }`;
    case "hook.repeated":
      return `${sign.asleep} hook ${name} was given a delivery that it had taken before`;
    case "hook.refused":
      return `${sign.warning} hook ${name} refused a delivery: ${whyOf(payload)}`;
    default:
      return null;
  }
}

function toKeyText({ key }: JsonObject): string {
  return typeof key === "string" ? ` ${clip(key, 64)}` : "";
}

/** `2026-11-30 09:00:00 by 0 9 * * 1-5 (Europe/Berlin)` */
function formatDue({ due, cron, timezone }: JsonObject): string {
  const zone = typeof timezone === "string" ? ` (${clip(timezone, 64)})` : "";
  return `${typeof due === "number" ? formatDateTime(due) : "?"} by ${clip(toText(cron), 100)}${zone}`;
}

function describeAlertRow(type: Extract<LogType, `alert.${string}`>, name: string, payload: JsonObject): string {
  const key = toText(payload.key), subject = key === "" ? name : `${name} ${clip(key, 64)}`;
  const summary = clip(toText(payload.summary), textMaxChars), by = clip(toText(payload.by), 64);
  const comment = payload.comment === null || payload.comment === undefined
    ? ""
    : `: ${clip(toText(payload.comment), 100)}`;
  const notice = typeof payload.notice === "string" && payload.notice in noticeWords ? noticeWords[payload.notice] : "";
  switch (type) {
    case "alert.pending":
      return `${sign.warning} alert ${subject} is pending: ${summary}`;
    case "alert.inactive":
      return `${sign.idle} alert ${subject} is no longer pending: ${summary}`;
    case "alert.firing":
      return `${sign.broken} alert ${subject} fires: ${summary}${notice}`;
    case "alert.resolved":
      return `${sign.ok} alert ${subject} has resolved: ${summary}${notice}`;
    case "alert.repeated":
      return `${sign.broken} alert ${subject} still fires: ${summary}${notice}`;
    case "alert.closed":
      return `${sign.idle} alert ${subject} was forgotten: ${clip(toText(payload.why), textMaxChars)}`;
    case "alert.acked":
      return `${sign.ok} alert ${name} was acknowledged by ${by}${comment}`;
    case "alert.silenced":
      return `${sign.asleep} alert ${subject} was silenced by ${by}${comment}`;
    case "alert.unsilenced":
      return `${sign.asleep} a silence of alert ${subject} was ended by ${by}${comment}`;
    case "alert.limited":
    case "alert.failed":
      return `${sign.warning} alert ${name}: ${clip(toText(payload.message), textMaxChars)}`;
  }
}

const noticeWords: Readonly<Record<string, string>> = {
  silenced: " (no notice: it is silenced)",
  limited: " (no notice: the limit was reached)",
};

/** Why a compute did not run, gave no signal, or had its directive ignored. Null for other rows. */
export function describeNonAction(row: LogRow): string | null {
  const payload = readFields(row), compute = payload.compute === undefined ? "" : ` ${toText(payload.compute)}`;
  const message = clip(toText(payload.message), textMaxChars);
  // A folded row counts equal rows since the row before it, which is at most a minute older.
  const times = typeof payload.repeated === "number" ? ` \u00d7${payload.repeated} in the minute before` : "";
  switch (row.type) {
    case "sense.null":
      return `${sign.idle}${times === "" ? ` compute${compute}` : ""} ${
        typeof payload.silent === "string"
          ? `was silent: ${clip(payload.silent, textMaxChars)}`
          : `returned ${formatNothing(payload.returned)}`
      }${times}`;
    case "sense.throttled": {
      const until = typeof payload.until === "number" ? ` until ${formatClockTime(payload.until)}` : "";
      return `${sign.asleep} throttled${until}, then compute${compute} runs${times}`;
    }
    case "sense.coalesced":
      return `${sign.asleep} coalesced into compute${compute}${times}`;
    case "sense.timeout":
    case "sense.error":
      return `${sign.failed} compute${compute} failed: ${message}${times}`;
    case "sense.directive_invalid":
      return `${sign.warning} compute${compute}: ${message}`;
    case "sense.paused": {
      const until = typeof payload.until === "number" ? ` until ${formatDateTime(payload.until)}` : "";
      const why = clip(toText(payload.reason), textMaxChars);
      return `${sign.asleep} was paused${until}${why === "" ? "" : `: ${why}`}`;
    }
    case "sense.group_down":
      return `${sign.broken} compute${compute} could not run: ${message}${times}`;
    case "sense.load_failed": {
      const [first] = Array.isArray(payload.problems) ? payload.problems : [];
      const why = isPlainObject(first) ? clip(toText(first.message as Json), textMaxChars) : "";
      return `${sign.broken} cannot be loaded: ${why}`;
    }
    default:
      return null;
  }
}

/** A compute that returned `undefined` probably lacks a return or an await. */
export function formatNothing(returned: Json | undefined): string {
  return returned === "undefined" ? "undefined: is a return or an await missing?" : "null";
}

/** What triggered the compute at the end of a chain, where no row is the cause. */
export function describeFirstCause({ rows, missing }: CauseChain): string {
  const last = rows.at(-1);
  if (missing !== null) return `row ${missing}, which caused that, is no longer in the log`;
  const payload = last === undefined ? {} : readFields(last);
  if (last?.type === "workflow.due") return "that was its schedule";
  switch (payload.trigger) {
    case "interval":
      return `that was compute ${toText(payload.compute)}, due by its interval`;
    case "cron":
      return `that was compute ${toText(payload.compute)}, due by its cron line`;
    default:
      if (last?.type === "sense.paths_changed") return "that was what the sense watches";
      if (last?.type.startsWith("run.")) return "that was started by hand";
      if (last?.type === "hook.delivery") return "that was sent by another program";
      return last?.type === "sense.triggered" ? "that was triggered by hand" : "nothing in the log caused that";
  }
}

/** The time from the first cause to the row in question. */
export function formatElapsed({ rows }: CauseChain): string {
  const first = rows.at(-1), last = rows[0];
  return first === undefined || last === undefined || rows.length < 2
    ? ""
    : `; ${formatDuration(Math.max(0, last.ts - first.ts))} earlier`;
}

function formatOccasion(payload: JsonObject): string {
  const compute = payload.compute === undefined ? "" : ` (compute ${toText(payload.compute)}`;
  if (compute === "") return "";
  return payload.trigger === "signal"
    ? `${compute}, triggered by a signal)`
    : payload.trigger === "hook"
    ? `${compute}, triggered by a hook)`
    : payload.trigger === "manual"
    ? `${compute}, by hand)`
    : payload.trigger === "watch"
    ? `${compute}, by changed files)`
    : `${compute})`;
}

function readFields({ payload }: LogRow): JsonObject {
  return isPlainObject(payload) ? payload as JsonObject : {};
}

function toText(value: Json | undefined): string {
  return value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value);
}
