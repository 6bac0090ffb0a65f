/** A run of a workflow: its start, its messages, its status. */
import * as z from "zod";
import type { Moment } from "../base/moment.ts";
import type { Json } from "./json.ts";
import { jsonObjectSchema, jsonSchema } from "./json_schema.ts";
import { nameSchema } from "./signal.ts";

export const runIdSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/);

export const runStatusSchema = z.enum([
  "queued",
  "started",
  "waiting",
  "paused",
  "completed",
  "failed",
  "killed",
  "crashed",
  "interrupted",
  "dropped",
]);
export type RunStatus = z.infer<typeof runStatusSchema>;

/** The reason of a run that `overflow: queue` dropped, not at a person's request. */
export const queueFullReason = "the queue was full, and it was the oldest run in it";

/** Exit codes of a run (listed in docs/errors.md); `dropped` and `interrupted` runs have none. */
export const exitCode = { completed: 0, failed: 1, maxRounds: 2, killed: 137, crashed: 255 } as const;

/**
 * What requested a run: a sense's directive, a change of an alert, a notice of a request, a person or program through
 * the API, the workflow's schedule, or a role of another run.
 */
export const runTriggerSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("sense"), sense: nameSchema }),
  z.object({ kind: z.literal("alert"), alert: nameSchema }),
  /** The run notifies people of this request. */
  z.object({ kind: z.literal("approval"), request: z.string() }),
  z.object({ kind: z.literal("manual") }),
  /** The workflow's schedule. `due`: the time that the cron line names. */
  z.object({ kind: z.literal("schedule"), cron: z.string(), due: z.number() }),
  /** The run `run` waits for this one in round `round`. `depth`: the length of the chain of waiting runs above it. */
  z.object({ kind: z.literal("run"), run: runIdSchema, round: z.int().min(1), depth: z.int().min(1) }),
]);
export type RunTrigger = z.infer<typeof runTriggerSchema>;

/** The input of a run, for roles and the moderator. It never changes during the run. */
export const runStartSchema = z.object({
  runId: runIdSchema,
  workflow: nameSchema,
  prompt: z.string(),
  maxRounds: z.int().min(1),
  payload: jsonSchema,
  trigger: runTriggerSchema,
});
export type RunStart = z.infer<typeof runStartSchema>;

/** One message of a run's thread. `round` counts from 1 without gaps. */
export const runMessageSchema = z.object({
  round: z.int().min(1),
  role: z.string(),
  content: z.string(),
  meta: jsonObjectSchema,
  ts: z.number(),
});
export type RunMessage = z.infer<typeof runMessageSchema>;

/** A failed attempt of a role: the payload of a `run.attempt_failed` row. */
export interface RoleFailure {
  readonly round: number;
  readonly role: string;
  /** How often the role has failed in this round, including this attempt. */
  readonly failures: number;
  /** The attempts that its retry policy allows. */
  readonly attempts: number;
  /** The message of the error, with its place. */
  readonly message: string;
  /** The wait that its retry policy sets, in milliseconds; null: there is no further attempt. */
  readonly waitMs: number | null;
  /** The earliest time of the next attempt (milliseconds); null: there is none. */
  readonly retryAt: number | null;
  /** When it failed, which is when the wait begins. */
  readonly failedAt: Moment;
  /** What the run does when the attempts are used up. "ask": the role has the effect "once", and a person decides. */
  readonly exhausted: "fail" | "pause" | "ask";
}

/**
 * A role with the effect "once" has begun, and its message is not on disk yet: the payload of a `run.role_begun` row.
 */
export type RoleBegun = {
  readonly attempt: number;
  readonly round: number;
  readonly role: string;
  /** Wall milliseconds. */
  readonly at: number;
};

/** A row of `workflow_runs`. Times are milliseconds; `causeId` is the log row that requested the run. */
export interface Run {
  readonly runId: string;
  readonly workflow: string;
  readonly status: RunStatus;
  readonly exitCode: number | null;
  /** How often the run was assigned to a process; 0 before its first start. */
  readonly attempt: number;
  /** The number of messages on disk. */
  readonly rounds: number;
  readonly maxRounds: number;
  readonly prompt: string;
  readonly payload: Json;
  readonly trigger: RunTrigger;
  readonly causeId: number | null;
  /** For people: why the run ended as it did; while `waiting`, what it waits for; while `paused`, why. */
  readonly reason: string | null;
  readonly queuedAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
}

/** The columns of a run that a transition may change; an absent key keeps its value. */
export interface RunChange {
  readonly status: RunStatus;
  readonly attempt?: number;
  readonly exitCode?: number | null;
  readonly reason?: string | null;
  readonly startedAt?: number;
  readonly endedAt?: number;
}

/** A run and its attempt, with the fields that its log rows need. */
export type RunRef = Pick<Run, "runId" | "workflow" | "attempt" | "causeId">;
