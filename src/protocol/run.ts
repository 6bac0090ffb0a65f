/** A run of a workflow: its start, its messages, its status. */
import * as z from "zod";
import type { Json } from "./json.ts";
import { jsonObjectSchema, jsonSchema } from "./json_schema.ts";
import { nameSchema } from "./signal.ts";

export const runIdSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/);

export const runStatusSchema = z.enum([
  "queued",
  "started",
  "completed",
  "failed",
  "killed",
  "crashed",
  "interrupted",
  "dropped",
]);
export type RunStatus = z.infer<typeof runStatusSchema>;

/** Exit codes of a run (docs/errors.md lists them); `dropped` and `interrupted` runs have none. */
export const exitCode = { completed: 0, failed: 1, maxRounds: 2, killed: 137, crashed: 255 } as const;

/** Who asked for a run: a sense's return, a person or program over the API. */
export const runTriggerSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("sense"), sense: nameSchema }),
  z.object({ kind: z.literal("manual") }),
]);
export type RunTrigger = z.infer<typeof runTriggerSchema>;

/** What a role is told about its run, and what a moderator may rely on: it never changes during the run. */
export const runStartSchema = z.object({
  runId: runIdSchema,
  workflow: nameSchema,
  prompt: z.string(),
  maxRounds: z.int().min(1),
  payload: jsonSchema,
  trigger: runTriggerSchema,
});
export type RunStart = z.infer<typeof runStartSchema>;

/** One message of a run's thread. `round` counts from 1: the messages of a run are 1, 2, 3 without a gap. */
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
  /** How often it has failed in this round, this time included. */
  readonly failures: number;
  /** Attempts that its retry policy allows. */
  readonly attempts: number;
  /** What was thrown, with its place. */
  readonly message: string;
  /** The wait that its retry policy asks for, in milliseconds; null: it is not tried again. */
  readonly waitMs: number | null;
  /** It is not tried again before this time (milliseconds); null: not at all. */
  readonly retryAt: number | null;
}

/** A row of `workflow_runs`. Times are milliseconds; `causeId` is the log row that asked for the run. */
export interface Run {
  readonly runId: string;
  readonly workflow: string;
  readonly status: RunStatus;
  readonly exitCode: number | null;
  /** Counts how often the run was given to a process, from 1; 0 while it has never been started. */
  readonly attempt: number;
  /** Messages on disk. */
  readonly rounds: number;
  readonly maxRounds: number;
  readonly prompt: string;
  readonly payload: Json;
  readonly trigger: RunTrigger;
  readonly causeId: number | null;
  /** Why it ended as it did, for a reader; null while it has not. */
  readonly reason: string | null;
  readonly queuedAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
}

/** The columns of a run that a transition may change; what is left out stays. */
export interface RunChange {
  readonly status: RunStatus;
  readonly attempt?: number;
  readonly exitCode?: number | null;
  readonly reason?: string | null;
  readonly startedAt?: number;
  readonly endedAt?: number;
}

/** A run and its attempt, and what its rows tell. */
export type RunRef = Pick<Run, "runId" | "workflow" | "attempt" | "causeId">;
