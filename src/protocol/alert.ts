/**
 * Alerts: their shared definition, and how the control API shows and changes them. src/alerts/ runs them; config/ makes
 * definitions from nerve.yaml.
 */
import * as z from "zod";
import { alertByMaxChars, alertCommentMaxChars, alertKeyMaxChars } from "../base/alert_limits.ts";

export const alertSeverities = ["info", "warning", "error", "critical"] as const;
export type AlertSeverity = (typeof alertSeverities)[number];

/**
 * `inactive`: the condition does not hold. `pending`: it holds, but not for long enough yet. `firing`: it has held for
 * long enough. The change from firing to inactive is reported as `resolved`.
 */
export const alertStatuses = ["inactive", "pending", "firing"] as const;
export type AlertStatus = (typeof alertStatuses)[number];

/** The variables of an alert's expressions: `signal` and `last` are payloads, `key` is the value of its `key`. */
export const alertVariables = { signal: "dyn", sense: "string", key: "string", last: "dyn" } as const;
/** The variables of `key` itself: no `last`, since the key decides which state `last` belongs to. */
export const alertKeyVariables = { signal: "dyn", sense: "string" } as const;

/** One entry of `alerts` in nerve.yaml. Expressions are CEL sources that have been checked. */
export interface AlertDefinition {
  readonly name: string;
  /** The sense whose signals it watches. */
  readonly sense: string;
  /** Null: the alert only watches for absence. */
  readonly when: string | null;
  /** Null: the alert clears as soon as `when` is false. */
  readonly clear: string | null;
  readonly forMs: number;
  readonly keepFiringMs: number;
  readonly absentMs: number | null;
  /** Null: the alert has one state. */
  readonly key: string | null;
  readonly severity: AlertSeverity;
  /** A text with `{{ expressions }}`. */
  readonly summary: string | null;
  readonly workflow: string | null;
  readonly repeatMs: number | null;
  /** The limit of starts of the workflow. */
  readonly limit: AlertLimit;
}

export interface AlertLimit {
  readonly count: number;
  readonly perMs: number;
}

/** A change of an alert, as a listener and a workflow get it. Times are milliseconds. */
export interface AlertNotice {
  readonly alert: string;
  /** Empty for an alert without `key`. */
  readonly key: string;
  readonly state: "firing" | "resolved";
  /** When its condition began to hold: the same for every notice of one incident. */
  readonly since: number;
  readonly severity: AlertSeverity;
  readonly summary: string;
  /** The payload of the signal that caused the change, or of the last one before; null when missing or too large. */
  readonly signal: unknown;
}

const markSchema = z.object({
  by: z.string(),
  comment: z.string().nullable(),
  /** The time of the request. */
  at: z.number(),
});

/** An acknowledgement: no repeats until the alert resolves. */
export const alertAckSchema = markSchema;
export type AlertAck = z.infer<typeof alertAckSchema>;

/** A silence: the workflow is not started before `until`. `key` null: for every key. */
export const alertSilenceSchema = markSchema.extend({ key: z.string().nullable(), until: z.number() });
export type AlertSilence = z.infer<typeof alertSilenceSchema>;

export const alertStateSchema = z.object({
  key: z.string(),
  status: z.enum(alertStatuses),
  /** When the condition began to hold; null while inactive. */
  since: z.number().nullable(),
  /** Why the state is pending or firing; null while inactive. */
  reason: z.enum(["when", "absent"]).nullable(),
  /** When the state will change unless a signal comes first; null when only a signal can change it. */
  changesAt: z.number().nullable(),
  summary: z.string().nullable(),
  /** The row of its last change. */
  rowId: z.int().nullable(),
  ack: alertAckSchema.nullable(),
});
export type AlertState = z.infer<typeof alertStateSchema>;

export const alertCountersSchema = z.object({
  /** Signals that the alert evaluated since the daemon started. */
  evaluated: z.int(),
  /** Evaluations in which an expression failed. */
  failed: z.int(),
  /** Starts of its workflow that were skipped: over the limit, or silenced. */
  limited: z.int(),
  silenced: z.int(),
  /** Signals whose key was beyond the limit of states. */
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
  /** The number of its keys; 1 without `key`. */
  keys: z.int(),
  /** States that are not inactive, at most `alertStatesShown` of them; `GET /v1/alerts/:name` has all of them. */
  states: z.array(alertStateSchema),
  silences: z.array(alertSilenceSchema),
  counters: alertCountersSchema,
  /** The last fault: an expression failed, or the workflow could not be started; null when there was none. */
  problem: z.string().nullable(),
});
export type AlertView = z.infer<typeof alertViewSchema>;

export const alertsSchema = z.object({ items: z.array(alertViewSchema) });

const key = z.string().max(alertKeyMaxChars).optional();
const by = z.string().min(1).max(alertByMaxChars).optional();
const comment = z.string().min(1).max(alertCommentMaxChars).optional();

/** Without `key`: every key of the alert. `by`: the requester; default: `api`. */
export const silenceRequestSchema = z.strictObject({
  key,
  forMs: z.int().min(1),
  by,
  comment,
});
export type SilenceRequest = z.infer<typeof silenceRequestSchema>;

export const unsilenceRequestSchema = z.strictObject({ key, by, comment });
export type UnsilenceRequest = z.infer<typeof unsilenceRequestSchema>;

/** Without `key`: every firing key. */
export const ackRequestSchema = unsilenceRequestSchema;
export type AckRequest = z.infer<typeof ackRequestSchema>;

/** How many silences or states the request changed. */
export const alertChangedSchema = z.object({ changed: z.int() });
export type AlertChanged = z.infer<typeof alertChangedSchema>;
