/**
 * Every response and request body of the control API. control/app.ts answers with these shapes,
 * control/client/client.ts parses with the same schemas, and the OpenAPI document is built from them.
 * Times are milliseconds since the epoch.
 */
import * as z from "zod";
import { approvalCountsSchema } from "./approval.ts";
import { listenerViewSchema } from "./hook.ts";
import { logRowSchema } from "./log.ts";
import { sensePauseSchema } from "./sense_pause.ts";
import { computeErrorCodeSchema, handedSignalsSchema, placeSchema, signalSchema } from "./signal.ts";

/**
 * The process of a unit: a group of senses, or a workflow. `state` is its state tag in process/, or `draining`: a
 * further process of the unit, which finishes its work on code that was replaced or removed.
 */
export const unitViewSchema = z.object({
  kind: z.enum(["group", "workflow"]),
  name: z.string(),
  state: z.string(),
  /** Why it is in that state, where that is not obvious: the last death, the quarantine. */
  reason: z.string().nullable(),
  /** Which of its code differs from the code on disk, and why; null when none differs, or from an older daemon. */
  problem: z.string().nullable().default(null),
  pid: z.int().nullable(),
  /** Resident bytes, to which the unit's limit applies. They include pages that all of nerve's processes share. */
  memoryBytes: z.number().nullable(),
  /** Bytes that no other process shares; null where the system does not report it, or from an older daemon. */
  privateBytes: z.number().nullable().default(null),
  deaths: z.int(),
  senses: z.array(z.string()),
});
export type UnitView = z.infer<typeof unitViewSchema>;

/** Progress of an archive run through its current day: `done` of `total` rows. */
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
  /** `dropped`: runs dropped since the start, for lack of a slot or of a place in the queue. */
  runs: z.object({
    active: z.int(),
    queued: z.int(),
    waiting: z.int().default(0),
    paused: z.int().default(0),
    dropped: z.int().default(0),
  }),
  /** Undecided requests, and when the oldest was made. */
  approvals: approvalCountsSchema.default({ open: 0, oldest: null, expired: 0 }),
  /** How many states of alerts are firing, and how many are pending. */
  alerts: z.object({ firing: z.int(), pending: z.int() }).default({ firing: 0, pending: 0 }),
  /** The listener; null without `listen` in nerve.yaml. */
  listener: listenerViewSchema.nullable().default(null),
  counters: z.record(z.string(), z.number()),
  /** What is wrong with the nerve.yaml on disk, while the previous one stays in force. */
  configError: z.string().nullable(),
  /** What is wrong with nerve.permissions.lock; null when nothing is, or from an older daemon. */
  lockError: z.string().nullable().default(null),
  /**
   * What a person should look at: runs that are paused because of their code, granted variables that are not set, a
   * secrets file that others can read.
   */
  warnings: z.array(z.string()).default([]),
  /**
   * The version of Landlock that confines the processes of senses and workflows; 0: none. Null: from an older daemon.
   */
  landlock: z.int().nullable().default(null),
  /** Programs of senses and roles that cannot be ended; until they end, their sense or role starts no other. */
  stuckPrograms: z.array(z.string()).default([]),
  /** Why the log cannot be written now; `counters.lost` counts the lost operations. */
  storeError: z.string().nullable(),
  /** The archive run in progress. */
  archive: archiveProgressSchema.nullable(),
});
export type Health = z.infer<typeof healthSchema>;

/** The result of one compute, after its value, if any, has become a signal or a run. */
export const computeResultSchema = z.discriminatedUnion("kind", [
  /** `returned` is set when compute returned undefined, which a missing `return` or `await` does. */
  z.object({
    kind: z.literal("null"),
    returned: z.literal("undefined").optional(),
    /** The reason that its code gave: it returned `{ silent: "..." }`. */
    silent: z.string().optional(),
  }),
  /** `warning`: why a workflow directive in the value was rejected. */
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
  /** The folder of its code in senses/; null from an older daemon. */
  use: z.string().nullable().default(null),
  group: z.string(),
  state: z.string(),
  /** One text for each reflex: `every 30s`, `cron 0 9 * * *`, `on disk-usage`. */
  reflexes: z.array(z.string()),
  nextDue: z.number().nullable(),
  lastCompute: z.object({
    id: z.int(),
    at: z.number(),
    durationMs: z.number(),
    outcome: z.enum(["null", "signal", "run", "error", "timeout", "group_down"]),
    /** The message of an error, the id of a run, the warning of a signal, or the reason for silence; else null. */
    detail: z.string().nullable(),
  }).nullable(),
  lastSignal: signalSchema.nullable(),
  counters: senseCountersSchema,
  /** The pause during which its reflexes do not wake it; null without one. */
  paused: sensePauseSchema.nullable().default(null),
  /** Counts of the reasons that its code gave for silence; these computes are included in the count of `null`. */
  silences: z.record(z.string(), z.int()).default({}),
  /**
   * Why it does not compute, or not as nerve.yaml and its code define: it cannot be loaded, is held, or quarantined.
   */
  problem: z.string().nullable(),
});
export type SenseView = z.infer<typeof senseViewSchema>;

/**
 * How a manual trigger was accepted. `started`: at once; `throttled`: its compute starts at `until`, when the throttle
 * window ends; `coalesced`: a compute that is due anyway answers it too.
 */
export const triggerHowSchema = z.enum(["started", "throttled", "coalesced"]);
export type TriggerHow = z.infer<typeof triggerHowSchema>;

/** With `signals`, the sense computes as if it had received them. */
export const triggerRequestSchema = z.strictObject({ signals: handedSignalsSchema.optional() });

/** `outcome` is null unless the caller waited for it. */
export const triggerReplySchema = z.object({
  computeId: z.int().nullable(),
  how: triggerHowSchema,
  until: z.number().nullable(),
  outcome: computeResultSchema.nullable(),
});
export type TriggerReply = z.infer<typeof triggerReplySchema>;

export const workflowViewSchema = z.object({
  name: z.string(),
  /** The folder of its code in workflows/; null from an older daemon. */
  use: z.string().nullable().default(null),
  concurrency: z.int(),
  overflow: z.enum(["drop", "queue"]),
  active: z.int(),
  queued: z.int(),
  /** Waiting and paused runs; neither count as active. */
  waiting: z.int().default(0),
  paused: z.int().default(0),
  /** One text for each line of its schedule: `cron 0 9 * * *`. */
  schedule: z.array(z.string()).default([]),
  /** When its schedule starts the next run; null when it has none. */
  nextDue: z.number().nullable().default(null),
  problem: z.string().nullable(),
});
export type WorkflowView = z.infer<typeof workflowViewSchema>;

export { pauseSenseReplySchema, pauseSenseRequestSchema } from "./sense_pause.ts";
export { sendEventReplySchema, sendEventRequestSchema } from "./run_event.ts";
export { createLinkReplySchema, createTokenReplySchema, revokeTokensReplySchema, tokensSchema } from "./access.ts";
export { engineListSchema, engineViewSchema } from "./engine.ts";
export { hooksSchema } from "./hook.ts";
export { endSessionReplySchema, endSessionRequestSchema, sessionPageSchema, sessionSchema } from "./session.ts";
export { transcriptPageSchema } from "./transcript.ts";
export { approvalPageSchema, approvalSchema, decisionReplySchema, decisionRequestSchema } from "./approval.ts";
export {
  type KillRunRequest,
  killRunRequestSchema,
  type MessagePage,
  messagesSchema,
  type RunList,
  runListSchema,
  runPageSchema,
  runSchema,
  type StartRunRequest,
  startRunRequestSchema,
  type StartRunsReply,
  startRunsReplySchema,
  type StartRunsRequest,
  startRunsRequestSchema,
} from "./run_requests.ts";

export const sensesSchema = z.object({ items: z.array(senseViewSchema) });
export const workflowsSchema = z.object({ items: z.array(workflowViewSchema) });
/** `next` is the path of the next page, null on the last one. */
export const logsSchema = z.object({ items: z.array(logRowSchema), next: z.string().nullable() });
export type LogPage = z.infer<typeof logsSchema>;

/**
 * The `gap` event of the event stream: rows after `afterId` and before `beforeId` are no longer in the log. With
 * `beforeId` 1, the row `afterId` belongs to another log.
 */
export const gapSchema = z.object({ afterId: z.int(), beforeId: z.int() });
export type Gap = z.infer<typeof gapSchema>;
/** `lifted` is false when there was neither a quarantine nor a backoff to end. */
export const resetSchema = z.object({ lifted: z.boolean() });
export type ResetReply = z.infer<typeof resetSchema>;
/**
 * The result of a reload. `of` is `sense:NAME`, `workflow:NAME`, `alert:NAME`, `hook:NAME`, `agent:NAME` or `kernel`
 * (settings for all of nerve.yaml).
 */
export const reloadReplySchema = z.object({
  /** What is wrong with nerve.yaml; the previous one stays in force. */
  configError: z.string().nullable(),
  changes: z.array(z.object({ of: z.string(), change: z.enum(["added", "changed", "removed"]) })),
  /** `group:NAME` or `workflow:NAME`: new work goes to a new process, with new code or new grants. */
  replaced: z.array(z.string()),
  /** Errors and warnings of nerve.yaml, what its permission lock holds back, and code that fails to load. */
  problems: z.array(z.object({ about: z.string(), message: z.string(), place: placeSchema.nullable() })),
});
export type ReloadReply = z.infer<typeof reloadReplySchema>;
export type ReloadChange = ReloadReply["changes"][number];

/** Archives the days before `before` (a UTC day). Default: the days older than `retention`. */
export const archiveRequestSchema = z.strictObject({
  before: z.string().regex(/^\d{4}-\d{2}-\d{2}$/).optional(),
  /** Only reports what would be archived. */
  dryRun: z.boolean().optional(),
});
export type ArchiveRequest = z.infer<typeof archiveRequestSchema>;

export const archiveReplySchema = z.object({
  /** Days that ended before this time. */
  beforeMs: z.number(),
  dryRun: z.boolean(),
  days: z.array(z.object({ day: z.string(), rows: z.int() })),
  /** Rows archived. */
  rows: z.int(),
  /** Rows of those days that stay in the log, because their run is unfinished or a listener has not processed them. */
  held: z.int(),
  vacuumed: z.boolean(),
});
export type ArchiveReply = z.infer<typeof archiveReplySchema>;

export const stoppingSchema = z.object({ stopping: z.literal(true) });

/**
 * An accepted manual trigger. `outcome` never rejects; it resolves with how the compute ended. Call it in the same turn
 * as the trigger: later, the compute may be over.
 */
export interface AcceptedTrigger extends Omit<TriggerReply, "outcome"> {
  outcome(): Promise<ComputeResult>;
  /** Resolves when the results so far are on disk, or lost because the disk cannot be written. */
  recorded(): Promise<void>;
}
