/**
 * Every answer and request body of the control API. `control/app.ts` answers with these, `control/client/client.ts` parses what
 * arrives with the same schemas, and the OpenAPI document is made of them. Times are milliseconds since the epoch.
 */
import * as z from "zod";
import { formatDuration } from "../base/duration.ts";
import type { ErrorCode } from "../base/errors.ts";
import { promptMaxBytes, reasonMaxChars } from "../base/limits.ts";
import { jsonSchema } from "./json_schema.ts";
import { logRowSchema } from "./log.ts";
import { type Run, runIdSchema, runMessageSchema, runStatusSchema, runTriggerSchema } from "./run.ts";
import { computeErrorCodeSchema, nameSchema, placeSchema, signalSchema } from "./signal.ts";

/** A process of the kernel: that of a group of senses or of a workflow. `state` is its tag in `process/`. */
export const unitViewSchema = z.object({
  kind: z.enum(["group", "workflow"]),
  name: z.string(),
  state: z.string(),
  /** Why it is in that state, when that is not plain: the last death, the quarantine. */
  reason: z.string().nullable(),
  /** Which of its code does not run as it is on disk, and why; null when all does, or when an older daemon does not say. */
  problem: z.string().nullable().default(null),
  pid: z.int().nullable(),
  memoryBytes: z.number().nullable(),
  deaths: z.int(),
  senses: z.array(z.string()),
});
export type UnitView = z.infer<typeof unitViewSchema>;

/** How far an archive run is with the day under way: rows of `total`. */
export const archiveProgressSchema = z.object({
  day: z.string(),
  step: z.enum(["writing", "deleting"]),
  done: z.int(),
  total: z.int(),
});
export type ArchiveProgress = z.infer<typeof archiveProgressSchema>;

export const healthSchema = z.object({
  pid: z.int(),
  version: z.string(),
  workspace: z.string(),
  startedAt: z.number(),
  uptimeMs: z.number(),
  units: z.array(unitViewSchema),
  runs: z.object({ active: z.int(), queued: z.int() }),
  counters: z.record(z.string(), z.number()),
  /** What is wrong with the nerve.yaml on disk while an older one is in force. */
  configError: z.string().nullable(),
  /** Why the log cannot be written at present; `counters.lost` counts what could not be. */
  storeError: z.string().nullable(),
  /** The archive run that is under way. */
  archive: archiveProgressSchema.nullable(),
});
export type Health = z.infer<typeof healthSchema>;

/** What became of one compute, after routing: a value is a signal or a run by now. */
export const computeResultSchema = z.discriminatedUnion("kind", [
  /** `returned`: only when it was not null itself, which is what a missing `return` or `await` looks like. */
  z.object({ kind: z.literal("null"), returned: z.literal("undefined").optional() }),
  /** `warning`: why a workflow directive in the value was not followed. */
  z.object({ kind: z.literal("signal"), signal: signalSchema, warning: z.string().optional() }),
  z.object({ kind: z.literal("run"), workflow: z.string(), runId: z.string() }),
  z.object({
    kind: z.literal("error"),
    code: computeErrorCodeSchema,
    message: z.string(),
    place: placeSchema.nullable(),
  }),
  z.object({ kind: z.literal("timeout"), afterMs: z.number(), killed: z.boolean() }),
  z.object({ kind: z.literal("group_down"), message: z.string() }),
]);
export type ComputeResult = z.infer<typeof computeResultSchema>;

export const senseCountersSchema = z.object({
  computes: z.int(),
  signals: z.int(),
  runs: z.int(),
  null: z.int(),
  throttled: z.int(),
  coalesced: z.int(),
  timeout: z.int(),
  error: z.int(),
  group_down: z.int(),
});
export type SenseCounters = z.infer<typeof senseCountersSchema>;

export const senseViewSchema = z.object({
  name: z.string(),
  group: z.string(),
  state: z.string(),
  /** Its reflexes as one text each: `every 30s`, `cron 0 9 * * *`, `on disk-usage`. */
  reflexes: z.array(z.string()),
  nextDue: z.number().nullable(),
  lastCompute: z.object({
    id: z.int(),
    at: z.number(),
    durationMs: z.number(),
    outcome: z.enum(["null", "signal", "run", "error", "timeout", "group_down"]),
    /** The message of an error, the id of a run, the warning of a signal; null when there is no more to say. */
    detail: z.string().nullable(),
  }).nullable(),
  lastSignal: signalSchema.nullable(),
  counters: senseCountersSchema,
  /** Why it does not compute at present: it cannot be loaded, its group is quarantined. */
  problem: z.string().nullable(),
});
export type SenseView = z.infer<typeof senseViewSchema>;

/** A reflex as `SenseSchedule.reflexes` tells it. */
export function formatReflex(reflex: {
  readonly intervalMs: number | null;
  readonly cron: string | null;
  readonly timezone: string | null;
  readonly on: readonly string[];
}): string {
  const { intervalMs, cron, timezone, on } = reflex;
  const parts: string[] = [];
  if (intervalMs !== null) parts.push(`every ${formatDuration(intervalMs)}`);
  if (cron !== null) parts.push(`cron ${cron}${timezone === null ? "" : ` (${timezone})`}`);
  if (on.length > 0) parts.push(`on ${on.join(", ")}`);
  return parts.join(" and ");
}

/**
 * How a trigger by hand was taken: `started` at once; `throttled`, its compute starts at `until`, when the throttle
 * window has passed; `coalesced`, a compute that comes anyway answers it as well.
 */
export const triggerHowSchema = z.enum(["started", "throttled", "coalesced"]);
export type TriggerHow = z.infer<typeof triggerHowSchema>;

/** `outcome` is there when the caller waited for it. */
export const triggerReplySchema = z.object({
  computeId: z.int().nullable(),
  how: triggerHowSchema,
  until: z.number().nullable(),
  outcome: computeResultSchema.nullable(),
});
export type TriggerReply = z.infer<typeof triggerReplySchema>;

export const workflowViewSchema = z.object({
  name: z.string(),
  concurrency: z.int(),
  overflow: z.enum(["drop", "queue"]),
  active: z.int(),
  queued: z.int(),
  problem: z.string().nullable(),
});
export type WorkflowView = z.infer<typeof workflowViewSchema>;

/** Without `runId` the kernel makes one; with one that exists, the answer is that run. */
export const startRunRequestSchema = z.strictObject({
  payload: jsonSchema.optional(),
  prompt: z.string().max(promptMaxBytes).optional(),
  maxRounds: z.int().min(1).optional(),
  runId: runIdSchema.optional(),
});
export type StartRunRequest = z.infer<typeof startRunRequestSchema>;

/** `reason` is what the run's record will say; default: killed on request. */
export const killRunRequestSchema = z.strictObject({ reason: z.string().min(1).max(reasonMaxChars).optional() });
export type KillRunRequest = z.infer<typeof killRunRequestSchema>;

export const runSchema: z.ZodType<Run> = z.object({
  runId: runIdSchema,
  workflow: nameSchema,
  status: runStatusSchema,
  exitCode: z.int().nullable(),
  attempt: z.int(),
  rounds: z.int(),
  maxRounds: z.int(),
  prompt: z.string(),
  payload: jsonSchema,
  trigger: runTriggerSchema,
  causeId: z.int().nullable(),
  reason: z.string().nullable(),
  queuedAt: z.number(),
  startedAt: z.number().nullable(),
  endedAt: z.number().nullable(),
});

/** A page: `total` counts everything that the filter lets through. */
export const runPageSchema = z.object({ total: z.int(), items: z.array(runSchema) });
/** The same as an answer: `advance` is the path of the next page, null at the last one. */
export const runListSchema = runPageSchema.extend({ next: z.string().nullable() });

export const messagesSchema = z.object({ items: z.array(runMessageSchema) });
export const sensesSchema = z.object({ items: z.array(senseViewSchema) });
export const workflowsSchema = z.object({ items: z.array(workflowViewSchema) });
/** `advance` is the path of the next page, null at the last one. */
export const logsSchema = z.object({ items: z.array(logRowSchema), next: z.string().nullable() });
export type LogPage = z.infer<typeof logsSchema>;

/** The event `gap` of the event stream: rows after `afterId` and before `beforeId` have left the log for its archive. */
export const gapSchema = z.object({ afterId: z.int(), beforeId: z.int() });
export type Gap = z.infer<typeof gapSchema>;
/** `lifted` is false when there was neither a quarantine nor a wait after a death. */
export const resetSchema = z.object({ lifted: z.boolean() });
export type ResetReply = z.infer<typeof resetSchema>;
/** What a reload found on disk. `of` is `sense:NAME`, `workflow:NAME` or `kernel` (settings of nerve.yaml as a whole). */
export const reloadReplySchema = z.object({
  /** What is wrong with nerve.yaml: then the one before stays in force. */
  configError: z.string().nullable(),
  changes: z.array(z.object({ of: z.string(), change: z.enum(["added", "changed", "removed"]) })),
  /** `group:NAME` or `workflow:NAME`: their new work gets a new process, with new code or new grants. */
  replaced: z.array(z.string()),
  /** Errors and warnings of nerve.yaml, and code that cannot be loaded. */
  problems: z.array(z.object({ about: z.string(), message: z.string(), place: placeSchema.nullable() })),
});
export type ReloadReply = z.infer<typeof reloadReplySchema>;
export type ReloadChange = ReloadReply["changes"][number];

/** Days before `before` (a UTC day) leave the log; default: those that are older than `retention`. */
export const archiveRequestSchema = z.strictObject({
  before: z.string().regex(/^\d{4}-\d{2}-\d{2}$/).optional(),
  /** Only tell what would leave. */
  dryRun: z.boolean().optional(),
});
export type ArchiveRequest = z.infer<typeof archiveRequestSchema>;

export const archiveReplySchema = z.object({
  /** Days that were over at this time. */
  beforeMs: z.number(),
  dryRun: z.boolean(),
  days: z.array(z.object({ day: z.string(), rows: z.int() })),
  /** Rows that left. */
  rows: z.int(),
  /** Rows of those days that stay, because their run is not finished. */
  held: z.int(),
  vacuumed: z.boolean(),
});
export type ArchiveReply = z.infer<typeof archiveReplySchema>;

export const stoppingSchema = z.object({ stopping: z.literal(true) });

/** An error as RFC 9457 has it; `code` and `hint` are those of a NerveError. */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  hint: z.string().nullable(),
});
export type ProblemDocument = z.infer<typeof problemSchema>;

/** The status that each error has on the API. */
export const problemStatus: Readonly<Record<ErrorCode, 400 | 404 | 409 | 413 | 500 | 502 | 503>> = {
  CONFIG_INVALID: 409,
  WORKSPACE_EXISTS: 409,
  WORKSPACE_MISSING: 404,
  NAME_INVALID: 400,
  FOLDER_UNSAFE: 500,
  DAEMON_RUNNING: 409,
  DAEMON_MISSING: 503,
  DAEMON_ANSWER: 502,
  SENSE_UNKNOWN: 404,
  WORKFLOW_UNKNOWN: 404,
  RUN_UNKNOWN: 404,
  RUN_CONFLICT: 409,
  RUN_ENDED: 409,
  PAYLOAD_INVALID: 400,
  QUERY_INVALID: 400,
  DATABASE_MISSING: 409,
  CLIENTS_MANY: 503,
  ROW_UNKNOWN: 404,
  STORE_FAILED: 500,
  INTERNAL: 500,
  UPGRADE_FAILED: 500,
  USAGE: 400,
};

/**
 * A trigger by hand that was taken. `outcome` never rejects, it says how the compute ended; it is asked for in the turn of
 * the trigger, for afterwards the compute may be over.
 */
export interface AcceptedTrigger extends Omit<TriggerReply, "outcome"> {
  outcome(): Promise<ComputeResult>;
  /** Resolves when what has come of it so far is on disk, or lost because nothing can be written. */
  recorded(): Promise<void>;
}
