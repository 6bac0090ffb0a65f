/** The requests and responses of the control API about runs. Part of api.ts, whose header applies here too. */
import * as z from "zod";
import { promptMaxBytes, reasonMaxChars, startRunsMax } from "../base/limits.ts";
import { sleepMaxMs, sleepUntilMax } from "../base/wait_limits.ts";
import { jsonSchema } from "./json_schema.ts";
import { problemSchema } from "./problem.ts";
import { type Run, runIdSchema, runMessageSchema, runStatusSchema, runTriggerSchema } from "./run.ts";
import { nameSchema } from "./signal.ts";

/**
 * Without `runId` the kernel makes one. With the id of an existing run, the response is that run. `rerunOf`: an earlier
 * run of the workflow, whose prompt, payload and `maxRounds` are the defaults. `fromRound`: the new run also takes the
 * messages before that round, and continues there. `at`, in wall milliseconds, or `inMs`: the run is queued until then;
 * an existing run keeps its own time.
 */
export const startRunRequestSchema = z.strictObject({
  payload: jsonSchema.optional(),
  prompt: z.string().max(promptMaxBytes).optional(),
  maxRounds: z.int().min(1).optional(),
  runId: runIdSchema.optional(),
  rerunOf: runIdSchema.optional(),
  fromRound: z.int().min(1).optional(),
  at: z.int().min(0).max(sleepUntilMax).optional(),
  inMs: z.int().min(0).max(sleepMaxMs).optional(),
});
export type StartRunRequest = z.infer<typeof startRunRequestSchema>;

/** Up to `startRunsMax` starts, of any workflows. */
export const startRunsRequestSchema = z.strictObject({
  runs: z.array(startRunRequestSchema.extend({ workflow: nameSchema })).min(1).max(startRunsMax),
});
export type StartRunsRequest = z.infer<typeof startRunsRequestSchema>;

/** `reason` is recorded in the run. Default: killed on request. */
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

/** One item for each start, in order: the run, or the problem that prevented it. */
export const startRunsReplySchema = z.object({
  items: z.array(z.object({ run: runSchema.nullable(), problem: problemSchema.nullable() })),
});
export type StartRunsReply = z.infer<typeof startRunsReplySchema>;

/** A page; `total` counts every run that matches the filter. */
export const runPageSchema = z.object({ total: z.int(), items: z.array(runSchema) });
/** The page as a response: `next` is the path of the next page, null on the last one. */
export const runListSchema = runPageSchema.extend({ next: z.string().nullable() });

export type RunList = z.infer<typeof runListSchema>;

export const messagesSchema = z.object({ items: z.array(runMessageSchema) });
export type MessagePage = z.infer<typeof messagesSchema>;
