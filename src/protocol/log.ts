/** Rows of the log, the append-only record of everything. Rows record what happened; nothing reacts to them. */
import * as z from "zod";
import type { Json } from "./json.ts";
import { jsonSchema } from "./json_schema.ts";
import type { LogSource } from "./log_source.ts";

/** Every type of a row: `<kind of source>.<what happened>`. */
export const logTypes = [
  "kernel.started",
  "kernel.stopped",
  "kernel.log_reopened",
  "kernel.data_moved",
  "kernel.isolation_reduced",
  "kernel.sessions_recovered",
  "kernel.reports_mended",
  "config.loaded",
  "config.refused",
  "group.ready",
  "group.ended",
  "group.died",
  "group.quarantined",
  "group.reset",
  "group.replaced",
  "group.said",
  "group.error",
  "sense.loaded",
  "sense.load_failed",
  "sense.signal",
  "sense.directive",
  "sense.directive_invalid",
  "sense.triggered",
  "sense.paths_changed",
  "sense.paused",
  "sense.resumed",
  "sense.null",
  "sense.throttled",
  "sense.coalesced",
  "sense.timeout",
  "sense.error",
  "sense.group_down",
  "sense.log",
  "sense.held",
  "sense.database_reopened",
  "workflow.load_failed",
  "workflow.held",
  "workflow.due",
  "workflow.missed",
  "run.queued",
  "run.started",
  "run.resumed",
  "run.held",
  "run.waiting",
  "run.paused",
  "run.event",
  "run.child_refused",
  "run.stayed",
  "run.message",
  "run.role_begun",
  "run.attempt_failed",
  "run.completed",
  "run.failed",
  "run.killed",
  "run.crashed",
  "run.interrupted",
  "run.dropped",
  "run.closed",
  "run.refused",
  "run.log",
  "session.created",
  "session.ready",
  "session.recovered",
  "session.failed",
  "session.prompted",
  "session.answered",
  "session.prompt_failed",
  "session.used",
  "session.closed",
  "artifact.expected",
  "artifact.taken",
  "artifact.refused",
  "approval.requested",
  "approval.decided",
  "approval.refused",
  "alert.pending",
  "alert.inactive",
  "alert.firing",
  "alert.resolved",
  "alert.repeated",
  "alert.closed",
  "alert.acked",
  "alert.silenced",
  "alert.unsilenced",
  "alert.limited",
  "alert.failed",
  "hook.delivery",
  "hook.repeated",
  "hook.refused",
  "token.created",
  "token.revoked",
  "login.opened",
  "login.ended",
  "access.denied",
] as const;
export const logTypeSchema = z.enum(logTypes);
export type LogType = z.infer<typeof logTypeSchema>;

/**
 * `ts` is in milliseconds. `refId` is a run id for `run.*`, `artifact.*`, `approval.*` and rows about agents' sessions;
 * otherwise the name of the sense, group, alert, hook, token or session, or null.
 */
export const logRowSchema = z.object({
  id: z.int(),
  ts: z.number(),
  source: z.string(),
  type: logTypeSchema,
  refId: z.string().nullable(),
  causeId: z.int().nullable(),
  payload: jsonSchema,
});
export type LogRow = z.infer<typeof logRowSchema>;

/** A row before the store gives it an id and a time. */
export interface NewLogRow {
  readonly source: LogSource;
  readonly type: LogType;
  readonly refId: string | null;
  readonly causeId: number | null;
  readonly payload: Json;
}

/** Which rows to list; all fields must match. `afterId` and `beforeId` are exclusive. Default `order`: oldest first. */
export interface LogFilter {
  readonly source?: string;
  readonly type?: string;
  readonly refId?: string;
  readonly sinceMs?: number;
  readonly untilMs?: number;
  readonly afterId?: number;
  readonly beforeId?: number;
  readonly order?: "asc" | "desc";
  readonly limit?: number;
}
