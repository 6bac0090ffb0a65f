/**
 * Why something happened, and why something did not, as rows of the log tell it: one line a row. Pure but for the
 * records that it is given; used by cli/commands/why.ts.
 */
import { formatDuration } from "../../base/duration.ts";
import { isPlainObject, type Json, type JsonObject } from "../../protocol/json.ts";
import type { LogRow } from "../../protocol/log.ts";
import type { CliRecords } from "../open_records.ts";
import { clip, formatClockTime, preview, runSign, sign } from "./terminal.ts";

const textMaxChars = 160;

export interface CauseChain {
  /** From the row that was asked about back to the first one that nothing else caused. */
  readonly rows: readonly LogRow[];
  /** The cause of the last one, when it has left the log; else null. */
  readonly missing: number | null;
}

export function traceCauses(records: Pick<CliRecords, "allLogs">, row: LogRow): CauseChain {
  const rows = [row];
  for (let causeId = row.causeId; causeId !== null; causeId = rows.at(-1)?.causeId ?? null) {
    const cause = findRow(records, causeId);
    // A cause is always older than its effect; anything else would walk in circles.
    if (cause === null || cause.id >= (rows.at(-1)?.id ?? 0)) return { rows, missing: causeId };
    rows.push(cause);
  }
  return { rows, missing: null };
}

export function findRow(records: Pick<CliRecords, "allLogs">, id: number): LogRow | null {
  return records.allLogs({ afterId: id - 1, beforeId: id + 1, limit: 1 })[0] ?? null;
}

/** What happened in this row, without its id and time. */
export function describeRow(row: LogRow): string {
  const { type, source, refId } = row, payload = fieldsOf(row), who = source.slice(source.indexOf(":") + 1);
  switch (type) {
    case "sense.signal":
      return `${sign.signal} ${who} signalled ${preview(payload.payload ?? null, textMaxChars)}${occasion(payload)}`;
    case "sense.directive":
      return `${sign.signal} ${who} asked for workflow ${textOf(payload.name)}: ` +
        `${clip(textOf(payload.prompt), textMaxChars)}${occasion(payload)}`;
    case "sense.triggered":
      return `${sign.next} somebody triggered ${who}`;
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
      return `${runSign[status]} run ${clip(refId ?? "", 128)} of ${who} was ${status}${reason}`;
    }
    default:
      return describeNonAction(row) ?? `${sign.log} ${type} ${clip(source, 100)} ${preview(row.payload, textMaxChars)}`;
  }
}

/** Why a compute did not happen, had nothing to say or was not obeyed; null for rows of any other kind. */
export function describeNonAction(row: LogRow): string | null {
  const payload = fieldsOf(row), compute = payload.compute === undefined ? "" : ` ${textOf(payload.compute)}`;
  const message = clip(textOf(payload.message), textMaxChars);
  // A folded row: so many more of the same since the row before it, which is at most a minute old.
  const times = typeof payload.repeated === "number" ? ` \u00d7${payload.repeated} in the minute before` : "";
  switch (row.type) {
    case "sense.null":
      return `${sign.idle}${times === "" ? ` compute${compute}` : ""} returned ${
        formatNothing(payload.returned)
      }${times}`;
    case "sense.throttled": {
      const until = typeof payload.until === "number" ? ` until ${formatClockTime(payload.until)}` : "";
      return `${sign.asleep} throttled${until}, then compute${compute} answers${times}`;
    }
    case "sense.coalesced":
      return `${sign.asleep} coalesced into compute${compute}${times}`;
    case "sense.timeout":
    case "sense.error":
      return `${sign.failed} compute${compute} failed: ${message}${times}`;
    case "sense.directive_invalid":
      return `${sign.warning} compute${compute}: ${message}`;
    case "sense.group_down":
      return `${sign.broken} compute${compute} could not run: ${message}${times}`;
    case "sense.load_failed": {
      const [first] = Array.isArray(payload.problems) ? payload.problems : [];
      const why = isPlainObject(first) ? clip(textOf(first.message as Json), textMaxChars) : "";
      return `${sign.broken} cannot be loaded: ${why}`;
    }
    default:
      return null;
  }
}

/** Null was meant; what comes of a function that does not say what it returns may not be. */
export function formatNothing(returned: Json | undefined): string {
  return returned === "undefined" ? "undefined: is a return or an await missing?" : "null";
}

/** What made a compute run that nothing in the log caused: the end of most chains. */
export function describeFirstCause({ rows, missing }: CauseChain): string {
  const last = rows.at(-1);
  if (missing !== null) return `row ${missing}, which caused that, has left the log`;
  const payload = last === undefined ? {} : fieldsOf(last);
  switch (payload.trigger) {
    case "interval":
      return `that was compute ${textOf(payload.compute)}, due at its interval`;
    case "cron":
      return `that was compute ${textOf(payload.compute)}, due by its cron line`;
    default:
      return last?.type.startsWith("run.") || last?.type === "sense.triggered"
        ? "that was asked for by hand"
        : "nothing in the log caused that";
  }
}

/** How long it took from the first cause to what was asked about. */
export function formatElapsed({ rows }: CauseChain): string {
  const first = rows.at(-1), last = rows[0];
  return first === undefined || last === undefined || rows.length < 2
    ? ""
    : `; ${formatDuration(Math.max(0, last.ts - first.ts))} from there`;
}

function occasion(payload: JsonObject): string {
  const compute = payload.compute === undefined ? "" : ` (compute ${textOf(payload.compute)}`;
  if (compute === "") return "";
  return payload.trigger === "signal"
    ? `${compute}, woken by a signal)`
    : payload.trigger === "manual"
    ? `${compute}, by hand)`
    : `${compute})`;
}

function fieldsOf({ payload }: LogRow): JsonObject {
  return isPlainObject(payload) ? payload as JsonObject : {};
}

function textOf(value: Json | undefined): string {
  return value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value);
}
