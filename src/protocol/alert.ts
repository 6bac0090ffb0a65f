/**
 * Alerts: their definition as every stage shares it, and how the control API shows and changes them. src/alerts/ runs
 * them; config/ makes definitions from nerve.yaml.
 */
import * as z from "zod";
import { alertByMaxChars, alertCommentMaxChars, alertKeyMaxChars } from "../base/alert_limits.ts";

export const alertSeverities = ["info", "warning", "error", "critical"] as const;
export type AlertSeverity = (typeof alertSeverities)[number];

/**
 * `inactive`: its condition does not hold. `pending`: it holds, but not for long enough yet. `firing`. What begins to be
 * inactive after it was firing is told as `resolved`.
 */
export const alertStatuses = ["inactive", "pending", "firing"] as const;
export type AlertStatus = (typeof alertStatuses)[number];

/** What an alert's expressions may name: `signal` and `last` are payloads, `key` is the value of its `key`. */
export const alertVariables = { signal: "dyn", sense: "string", key: "string", last: "dyn" } as const;
/** `key` itself decides whose `last` it is. */
export const alertKeyVariables = { signal: "dyn", sense: "string" } as const;

/** One entry of `alerts` in nerve.yaml. Expressions are sources in CEL that were checked. */
export interface AlertDefinition {
  readonly name: string;
  /** Whose signals it watches. */
  readonly sense: string;
  /** Null: it only watches for absence. */
  readonly when: string | null;
  /** Null: as soon as `when` is false. */
  readonly clear: string | null;
  readonly forMs: number;
  readonly keepFiringMs: number;
  readonly absentMs: number | null;
  /** Null: it has one state. */
  readonly key: string | null;
  readonly severity: AlertSeverity;
  /** A text with `{{ expressions }}`. */
  readonly summary: string | null;
  readonly workflow: string | null;
  readonly repeatMs: number | null;
  /** Of starts of the workflow. */
  readonly limit: AlertLimit;
}

export interface AlertLimit {
  readonly count: number;
  readonly perMs: number;
}

/** What a listening sense and a workflow get of a change. Times are milliseconds. */
export interface AlertNotice {
  readonly alert: string;
  /** Empty for an alert without `key`. */
  readonly key: string;
  readonly state: "firing" | "resolved";
  /** When its condition began to hold: the same for every notice of one incident. */
  readonly since: number;
  readonly severity: AlertSeverity;
  readonly summary: string;
  /** The payload of the signal that decided, or of the last one before; null when there is none, or it is too large. */
  readonly signal: unknown;
}

const markSchema = z.object({
  by: z.string(),
  comment: z.string().nullable(),
  /** When it was asked for. */
  at: z.number(),
});

/** An acknowledgement: no repeats until it resolves. */
export const alertAckSchema = markSchema;
export type AlertAck = z.infer<typeof alertAckSchema>;

/** `key` null: of every key. The workflow is not started before `until`. */
export const alertSilenceSchema = markSchema.extend({ key: z.string().nullable(), until: z.number() });
export type AlertSilence = z.infer<typeof alertSilenceSchema>;

export const alertStateSchema = z.object({
  key: z.string(),
  status: z.enum(alertStatuses),
  /** When its condition began to hold; null while inactive. */
  since: z.number().nullable(),
  /** Why it is pending or firing; null while inactive. */
  reason: z.enum(["when", "absent"]).nullable(),
  /** When it will change by itself unless a signal comes first; null when it will not. */
  changesAt: z.number().nullable(),
  summary: z.string().nullable(),
  /** The row of its last change. */
  rowId: z.int().nullable(),
  ack: alertAckSchema.nullable(),
});
export type AlertState = z.infer<typeof alertStateSchema>;

export const alertCountersSchema = z.object({
  /** Signals that it evaluated since the start of the daemon. */
  evaluated: z.int(),
  /** Evaluations in which an expression failed. */
  failed: z.int(),
  /** Starts of its workflow that were left out: over the limit, silenced. */
  limited: z.int(),
  silenced: z.int(),
  /** Signals with a key for which there was no room. */
  keysRefused: z.int(),
});
export type AlertCounters = z.infer<typeof alertCountersSchema>;

export const alertViewSchema = z.object({
  name: z.string(),
  sense: z.string(),
  severity: z.enum(alertSeverities),
  workflow: z.string().nullable(),
  when: z.string().nullable(),
  firing: z.int(),
  pending: z.int(),
  /** Its keys, or 1. */
  keys: z.int(),
  /** Those that are not inactive, at most `alertStatesShown` of them; `GET /v1/alerts/:name` has them all. */
  states: z.array(alertStateSchema),
  silences: z.array(alertSilenceSchema),
  counters: alertCountersSchema,
  /** Its last fault: an expression that fails, a workflow that cannot be started; null when there was none. */
  problem: z.string().nullable(),
});
export type AlertView = z.infer<typeof alertViewSchema>;

export const alertsSchema = z.object({ items: z.array(alertViewSchema) });

const key = z.string().max(alertKeyMaxChars).optional();
const by = z.string().min(1).max(alertByMaxChars).optional();
const comment = z.string().min(1).max(alertCommentMaxChars).optional();

/** Without `key`: every key of the alert. `by`: who asks, default `api`. */
export const silenceRequestSchema = z.strictObject({
  key,
  forMs: z.int().min(1),
  by,
  comment,
});
export type SilenceRequest = z.infer<typeof silenceRequestSchema>;

export const unsilenceRequestSchema = z.strictObject({ key, by, comment });
export type UnsilenceRequest = z.infer<typeof unsilenceRequestSchema>;

/** Without `key`: every key that fires. */
export const ackRequestSchema = unsilenceRequestSchema;
export type AckRequest = z.infer<typeof ackRequestSchema>;

/** How many silences or states the request changed. */
export const alertChangedSchema = z.object({ changed: z.int() });
export type AlertChanged = z.infer<typeof alertChangedSchema>;
