/** Rows of the log in words: a label for every type, and a line for every row. Pure. */
import type { LogRow, LogType } from "../src/protocol/log.ts";
import { formatClock, formatDateTime, formatSpan, preview } from "./format.ts";

/** The kind of a row: its colour and its mark. */
export type Tone = "signal" | "good" | "bad" | "warn" | "wait" | "quiet";

/** The label and tone of every type; a type that is missing here does not compile. */
const types: Readonly<Record<LogType, readonly [label: string, tone: Tone]>> = {
  "kernel.started": ["daemon started", "good"],
  "kernel.stopped": ["daemon stopped", "quiet"],
  "kernel.log_reopened": ["log opened again", "warn"],
  "kernel.data_moved": ["data moved", "warn"],
  "kernel.isolation_reduced": ["isolation reduced", "warn"],
  "kernel.sessions_recovered": ["conversations taken up again", "good"],
  "kernel.reports_mended": ["missing reports are there again", "quiet"],
  "config.loaded": ["configuration loaded", "good"],
  "config.refused": ["configuration refused", "bad"],
  "group.ready": ["process ready", "good"],
  "group.ended": ["process ended", "quiet"],
  "group.died": ["process died", "bad"],
  "group.quarantined": ["quarantined", "bad"],
  "group.reset": ["quarantine lifted", "good"],
  "group.replaced": ["process replaced", "quiet"],
  "group.said": ["process said", "quiet"],
  "group.error": ["process error", "bad"],
  "sense.loaded": ["loaded", "good"],
  "sense.load_failed": ["load failed", "bad"],
  "sense.signal": ["signal", "signal"],
  "sense.directive": ["asked for a run", "signal"],
  "sense.directive_invalid": ["directive ignored", "warn"],
  "sense.triggered": ["triggered by hand", "quiet"],
  "sense.paths_changed": ["paths changed", "quiet"],
  "sense.paused": ["paused", "wait"],
  "sense.resumed": ["resumed", "good"],
  "sense.null": ["silent", "quiet"],
  "sense.throttled": ["throttled", "wait"],
  "sense.coalesced": ["coalesced", "wait"],
  "sense.timeout": ["timeout", "bad"],
  "sense.error": ["error", "bad"],
  "sense.group_down": ["process down", "bad"],
  "sense.log": ["log", "quiet"],
  "sense.held": ["held by the lock", "warn"],
  "sense.database_reopened": ["database opened again", "warn"],
  "workflow.load_failed": ["load failed", "bad"],
  "workflow.held": ["held by the lock", "warn"],
  "workflow.due": ["was due", "quiet"],
  "workflow.missed": ["missed", "warn"],
  "run.queued": ["queued", "wait"],
  "run.started": ["started", "good"],
  "run.resumed": ["goes on", "good"],
  "run.held": ["held", "warn"],
  "run.waiting": ["waits", "wait"],
  "run.paused": ["paused", "wait"],
  "run.event": ["event", "quiet"],
  "run.child_refused": ["child refused", "warn"],
  "run.stayed": ["stays on old code", "warn"],
  "run.message": ["message", "signal"],
  "run.role_begun": ["role begun", "quiet"],
  "run.attempt_failed": ["attempt failed", "warn"],
  "run.completed": ["completed", "good"],
  "run.failed": ["failed", "bad"],
  "run.killed": ["killed", "bad"],
  "run.crashed": ["crashed", "bad"],
  "run.interrupted": ["interrupted", "warn"],
  "run.dropped": ["dropped", "warn"],
  "run.closed": ["closed", "quiet"],
  "run.refused": ["refused", "warn"],
  "run.log": ["log", "quiet"],
  "session.created": ["agent session", "quiet"],
  "session.ready": ["agent ready", "quiet"],
  "session.recovered": ["agent goes on", "good"],
  "session.failed": ["agent session lost", "bad"],
  "session.prompted": ["agent asked", "signal"],
  "session.answered": ["agent answered", "good"],
  "session.prompt_failed": ["no answer of the agent", "warn"],
  "session.used": ["agent at work", "quiet"],
  "session.closed": ["agent session over", "quiet"],
  "artifact.expected": ["artifact expected", "quiet"],
  "artifact.taken": ["artifact taken", "good"],
  "artifact.refused": ["artifact refused", "warn"],
  "approval.requested": ["decision asked", "wait"],
  "approval.decided": ["decided", "good"],
  "approval.refused": ["decision refused", "warn"],
  "alert.pending": ["pending", "warn"],
  "alert.inactive": ["no longer pending", "quiet"],
  "alert.firing": ["fires", "bad"],
  "alert.resolved": ["resolved", "good"],
  "alert.repeated": ["still fires", "bad"],
  "alert.closed": ["forgotten", "quiet"],
  "alert.acked": ["acknowledged", "good"],
  "alert.silenced": ["silenced", "wait"],
  "alert.unsilenced": ["silence ended", "quiet"],
  "alert.limited": ["limited", "warn"],
  "alert.failed": ["failed", "warn"],
  "hook.delivery": ["delivery", "signal"],
  "hook.repeated": ["repeated delivery", "quiet"],
  "hook.refused": ["delivery refused", "warn"],
  "token.created": ["token created", "good"],
  "token.revoked": ["token revoked", "quiet"],
  "login.opened": ["login opened", "good"],
  "login.ended": ["login ended", "quiet"],
  "access.denied": ["access denied", "warn"],
};

export const logTypeNames: readonly string[] = Object.keys(types);

/** The label of a type. A newer daemon may have types that this page does not know. */
export function labelOf({ type }: Pick<LogRow, "type">): string {
  return types[type]?.[0] ?? type;
}

export function toneOf(row: Pick<LogRow, "type" | "payload">): Tone {
  const isLog = row.type === "run.log" || row.type === "sense.log", level = isLog ? fieldsOf(row).level : null;
  return level === "error" ? "bad" : level === "warn" ? "warn" : types[row.type]?.[1] ?? "quiet";
}

type Fields = Readonly<Record<string, unknown>>;

export function fieldsOf({ payload }: Pick<LogRow, "payload">): Fields {
  return typeof payload === "object" && payload !== null && !Array.isArray(payload) ? payload as Fields : {};
}

export function textOf(value: unknown): string {
  return value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value);
}

/** What a row contains beside its type and source. */
export function describeRow(row: LogRow): string {
  const fields = fieldsOf(row), { message, reason, summary, why } = fields;
  const times = typeof fields.repeated === "number" && fields.repeated > 1 ? ` ×${fields.repeated}` : "";
  return `${preview(detailOf(row, fields) ?? textOf(message ?? reason ?? summary ?? why), 400)}${times}`;
}

function detailOf(row: LogRow, fields: Fields): string | null {
  switch (row.type) {
    case "sense.signal":
      return preview(fields.payload ?? null);
    case "sense.directive":
      return `${textOf(fields.name)}: ${textOf(fields.prompt)}`;
    case "sense.null":
      return textOf(fields.silent ?? (fields.returned === "undefined" ? "returned undefined" : "returned null"));
    case "sense.throttled":
      return typeof fields.until === "number" ? `until ${formatClock(fields.until)}` : "";
    case "sense.coalesced":
      return `into compute ${textOf(fields.compute)}`;
    case "sense.paths_changed":
      return textOf(fields.paths);
    case "sense.load_failed":
    case "workflow.load_failed":
      return describeLoad(Object(Array.isArray(fields.problems) ? fields.problems[0] : fields));
    case "workflow.due":
    case "workflow.missed":
      return `${typeof fields.due === "number" ? formatDateTime(fields.due) : ""} by ${textOf(fields.cron)}`;
    default:
      return describeRunRow(row, fields);
  }
}

/** Includes where the mistake is, since that is what a person looks for. */
function describeLoad({ message, place }: { readonly message?: unknown; readonly place?: unknown }): string {
  const { file, line, column } = Object(place), at = [file, line, column].filter((part) => part != null).join(":");
  return `${textOf(message)}${at === "" ? "" : ` (${at})`}`;
}

function describeRunRow(row: LogRow, fields: Fields): string | null {
  const { event, decision, request } = fields;
  switch (row.type) {
    case "run.message":
      return `${textOf(fields.round)} ${textOf(fields.role)}: ${textOf(fields.content)}`;
    case "run.role_begun":
      return `${textOf(fields.round)} ${textOf(fields.role)}`;
    case "run.attempt_failed": {
      const again = typeof fields.waitMs === "number" ? `; again in ${formatSpan(fields.waitMs)}` : "";
      return `${textOf(fields.round)} ${textOf(fields.role)}: ${textOf(fields.message)}${again}`;
    }
    case "run.resumed":
      return `attempt ${textOf(fields.attempt)}: ${textOf(fields.after ?? fields.reason)}`;
    case "run.event":
      return textOf(Object(event).name);
    case "run.closed":
      return textOf(fields.error ?? fields.content);
    case "approval.requested":
      return textOf(Object(request).title);
    case "approval.decided":
      return `${textOf(Object(decision).decision)} by ${textOf(Object(decision).by ?? Object(decision).how)}`;
    case "hook.delivery":
      return `${textOf(fields.key)} ${preview(fields.body ?? null)}`.trim();
    case "alert.firing":
    case "alert.resolved":
    case "alert.repeated":
    case "alert.pending":
    case "alert.inactive":
      return `${textOf(fields.key)} ${textOf(fields.summary)}`.trim();
    case "config.loaded":
      return Array.isArray(fields.changes)
        ? fields.changes.map((each) => `${textOf(Object(each).of)} ${textOf(Object(each).change)}`).join(", ")
        : null;
    case "sense.log":
    case "run.log":
      return textOf(fields.message);
    default:
      return null;
  }
}
