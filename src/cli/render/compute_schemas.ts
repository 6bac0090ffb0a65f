/** Schemas of the `--json` output of `nerve sense trigger` and `nerve sense chart`; see json_schemas.ts. */
import * as z from "zod";
import { triggerReplySchema } from "../../protocol/api.ts";
import { jsonObjectSchema, jsonSchema } from "../../protocol/json_schema.ts";
import { computeErrorCodeSchema, placeSchema } from "../../protocol/signal.ts";

/** `nerve sense trigger NAME --dry`: what a daemon would make of the compute. */
export const senseDryOutput = z.strictObject({
  sense: z.string(),
  outcome: z.discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("null"),
      returned: z.literal("undefined").optional(),
      silent: z.string().optional(),
    }),
    z.strictObject({ kind: z.literal("signal"), payload: jsonSchema, warning: z.string().nullable() }),
    z.strictObject({
      kind: z.literal("workflow"),
      directive: z.strictObject({ name: z.string(), maxRounds: z.int().nullable(), prompt: z.string() }),
      payload: jsonObjectSchema,
    }),
    z.strictObject({
      kind: z.literal("error"),
      code: computeErrorCodeSchema,
      message: z.string(),
      place: placeSchema.nullable(),
    }),
    /** The process of the compute ended, or was ended. */
    z.strictObject({ kind: z.literal("ended"), message: z.string() }),
  ]),
  ranMs: z.number().nullable(),
  log: z.array(z.strictObject({ level: z.string(), message: z.string(), data: jsonSchema })).readonly(),
});
export type SenseDryOutput = z.infer<typeof senseDryOutput>;

/** `nerve sense trigger NAME`: `outcome` is null without --wait and --dry. */
export const senseTriggerOutput = z.union([triggerReplySchema, senseDryOutput]);

/** `nerve sense chart NAME COLUMN`: the mean of each span of time in which there was a value. */
export const senseChartOutput = z.strictObject({
  sense: z.string(),
  table: z.string(),
  column: z.string(),
  /** The column of times. */
  time: z.string(),
  points: z.array(z.strictObject({ at: z.number(), value: z.number() })),
});
export type SenseChartOutput = z.infer<typeof senseChartOutput>;
