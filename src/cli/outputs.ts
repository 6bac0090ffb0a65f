/**
 * What `--json` prints, a schema for each command that reads. The commands are typed by these, the tests parse by them;
 * no command loads this file, so that zod stays out of what needs none. Times are milliseconds since the epoch.
 * Commands that stream print one document a line (`events`); `sense query` prints an array with a line for each row.
 */
import * as z from "zod";
import { runPageSchema, runSchema, senseCountersSchema, senseViewSchema, workflowViewSchema } from "../protocol/api.ts";
import { triggerReplySchema } from "../protocol/api.ts";
import { logRowSchema } from "../protocol/log.ts";
import { runMessageSchema } from "../protocol/run.ts";

/** `nerve sense list`: `daemon` says whether one runs; without it nobody counts. `total` counts all senses. */
export const senseListOutput = z.strictObject({
  daemon: z.boolean(),
  total: z.int(),
  offset: z.int(),
  items: z.array(senseViewSchema.extend({ counters: senseCountersSchema.nullable() })),
});
export type SenseListOutput = z.infer<typeof senseListOutput>;

/** `nerve sense schema NAME` */
export const senseSchemaOutput = z.strictObject({
  sense: z.string(),
  tables: z.array(z.strictObject({
    name: z.string(),
    sql: z.string(),
    indexes: z.array(z.string()),
    columns: z.array(
      z.strictObject({ name: z.string(), type: z.string(), notNull: z.boolean(), primaryKey: z.boolean() }),
    ),
    rows: z.int(),
  })),
});

/** `nerve sense query NAME [SQL]`: integers beyond 2^53 are texts, blobs are x'00ff'. */
export const senseQueryOutput = z.array(z.record(z.string(), z.union([z.null(), z.number(), z.string()])));

/** `nerve sense trigger NAME`: `outcome` is null without --wait. */
export const senseTriggerOutput = triggerReplySchema;

/** `nerve workflow list` */
export const workflowListOutput = z.strictObject({
  daemon: z.boolean(),
  workflows: z.array(workflowViewSchema),
  runs: runPageSchema.extend({ offset: z.int() }),
});

/** `nerve workflow inspect RUN`: a page of its rows, the oldest first; `more` tells of further ones. */
export const workflowInspectOutput = z.strictObject({
  run: runSchema,
  rows: z.array(logRowSchema),
  more: z.boolean(),
});

/** `nerve workflow thread RUN`: `earlier` is the command for what did not fit. */
export const workflowThreadOutput = z.strictObject({
  run: runSchema,
  messages: z.array(runMessageSchema),
  earlier: z.string().nullable(),
});

/** `nerve workflow trigger NAME`: the run, at its end with --wait. */
export const workflowTriggerOutput = runSchema;

/** `nerve events`: one line each. With -f also `{afterId, beforeId}` for rows that have left the log. */
export const eventsOutputLine = logRowSchema;

/** `nerve why ID`: from the row that was asked about back to its first cause; `missing`: a cause that left the log. */
export const whyOutput = z.strictObject({
  id: z.string(),
  chain: z.array(logRowSchema).min(1),
  missing: z.int().nullable(),
});
export type WhyOutput = z.infer<typeof whyOutput>;

/** `nerve why --sense NAME`: the oldest first; `now` is the sense as the daemon has it, null when none runs. */
export const whyNotOutput = z.strictObject({
  sense: z.string(),
  items: z.array(logRowSchema),
  more: z.boolean(),
  now: senseViewSchema.nullable(),
});
export type WhyNotOutput = z.infer<typeof whyNotOutput>;
