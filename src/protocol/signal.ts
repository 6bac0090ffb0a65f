/** Names, signals, triggers and outcomes of computes, which many rooms share. */
import * as z from "zod";
import { heardSignalsMax } from "../base/limits.ts";
import { namePattern } from "../base/name_pattern.ts";
import type { HookDelivery } from "./delivery.ts";
import type { Json } from "./json.ts";
import { jsonSchema } from "./json_schema.ts";

/** Names of senses, groups and workflows. */
export const nameSchema: z.ZodString = z.string().regex(namePattern);

/** A value that a sense returned, other than null. `id` is the id of its log row; `ts` is milliseconds. */
export const signalSchema = z.object({ id: z.int(), sense: nameSchema, payload: jsonSchema, ts: z.number() });
export type Signal = z.infer<typeof signalSchema>;

/** A signal that a person passes to a listening sense, as if `sense` had emitted it; it has no row of its own. */
export const handedSignalSchema = z.strictObject({ sense: nameSchema, payload: jsonSchema });
export type HandedSignal = z.infer<typeof handedSignalSchema>;
export const handedSignalsSchema = z.array(handedSignalSchema).min(1).max(heardSignalsMax);

/**
 * Why a compute runs. `due` is the scheduled time in milliseconds. `coalesced` counts the further triggers that this
 * compute answers too.
 */
export const triggerSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("interval"), due: z.number(), coalesced: z.int() }),
  z.object({ kind: z.literal("cron"), due: z.number(), coalesced: z.int() }),
  z.object({ kind: z.literal("watch"), causeId: z.int().nullable(), coalesced: z.int() }),
  z.object({ kind: z.literal("signal"), signal: signalSchema, coalesced: z.int() }),
  z.object({ kind: z.literal("hook"), hook: nameSchema, id: z.int(), coalesced: z.int() }),
  z.object({ kind: z.literal("manual"), causeId: z.int().nullable(), coalesced: z.int() }),
]);
export type Trigger = z.infer<typeof triggerSchema>;

/** Watched paths that changed; `complete` false: others may have changed too. */
export interface ChangedPaths {
  readonly paths: readonly string[];
  readonly complete: boolean;
}

/**
 * The trigger as `compute` gets it. `signals` holds every signal that this compute answers, oldest first, even when the
 * trigger is of another kind; `signal`, if present, is the newest of them. Likewise, `paths` holds the watched paths
 * that changed, sorted (`morePaths`: others may have changed too), and `deliveries` the deliveries of its hooks.
 */
export type ComputeTrigger = Trigger & {
  readonly signals: readonly Signal[];
  readonly deliveries: readonly HookDelivery[];
  readonly paths: readonly string[];
  readonly morePaths: boolean;
};

/** A place in a user's file; line and column count from 1. */
export const placeSchema = z.object({ file: z.string(), line: z.int(), column: z.int() });
export type Place = z.infer<typeof placeSchema>;

/** The outcome of one compute, as the kernel sees it. */
export type ComputeOutcome =
  /** `returned` is set when compute returned undefined, as with a missing `return` or `await`; `silent`: its reason. */
  | { readonly kind: "null"; readonly returned?: "undefined" | undefined; readonly silent?: string | undefined }
  | { readonly kind: "value"; readonly value: Json }
  | { readonly kind: "error"; readonly code: ComputeErrorCode; readonly message: string; readonly place: Place | null }
  | { readonly kind: "timeout"; readonly afterMs: number; readonly killed: boolean }
  | { readonly kind: "group_down"; readonly message: string };

/** `load`: its module or migrations failed; `throw`: compute threw; `output`: its value is not JSON, or too large. */
export const computeErrorCodeSchema = z.enum(["load", "throw", "output"]);
export type ComputeErrorCode = z.infer<typeof computeErrorCodeSchema>;

/** Every reason why a trigger led to no signal and no run. Each is counted per sense. */
export type NonActionReason = "null" | "throttled" | "coalesced" | "timeout" | "error" | "group_down";
export const nonActionReasons: readonly NonActionReason[] = [
  "null",
  "throttled",
  "coalesced",
  "timeout",
  "error",
  "group_down",
];
