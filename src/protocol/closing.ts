/** What happens after a run has ended: the messages about the `finally` of its workflow, and the row of its result. */
import * as z from "zod";
import { roleTimeoutMaxMs } from "../base/limits.ts";
import type { JsonObject } from "./json.ts";
import { jsonObjectSchema } from "./json_schema.ts";
import { type Run, runIdSchema, type RunStart, type RunStatus } from "./run.ts";
import { placeSchema } from "./signal.ts";

/** How a run ended. */
export type RunEnd = Pick<Run, "status" | "exitCode" | "reason" | "endedAt">;

/**
 * The payload of a `run.closed` row: the result of `finally`, or its error. `status`: how the run ended; `attempts`:
 * how often `finally` was started since the daemon started; `report`: the path of the report in the workspace.
 */
export type RunClosing =
  & { readonly status: RunStatus; readonly attempts: number; readonly report?: string }
  & ({ readonly content: string; readonly meta: JsonObject } | { readonly error: string });

/** The path of a run's report, relative to the workspace folder. */
export function reportPathOf(runId: string): string {
  return `data/reports/${runId}.report.md`;
}

/** Whether this version of a workflow's code has a `finally`. */
export interface KnownFinally {
  readonly code: string;
  readonly has: boolean;
}

/** Kernel to process: the run has ended. `rounds` messages follow; then the `finally` of its workflow runs. */
export interface CloseMessage {
  readonly t: "close";
  readonly start: RunStart;
  readonly attempt: number;
  readonly rounds: number;
  readonly end: RunEnd;
}

const runRef = { runId: runIdSchema, attempt: z.int() };

/** `finally` begins. The kernel also enforces its time limit, like that of a role. */
export const closingSchema = z.object({
  t: z.literal("closing"),
  ...runRef,
  timeoutMs: z.int().min(1).max(roleTimeoutMaxMs),
  /** Whether its result is the run's report. */
  report: z.boolean().optional(),
});

export type BegunClosing = z.infer<typeof closingSchema>;

/** The answer to `close`. `none`: the workflow has no `finally`. */
export const closedSchema = z.object({
  t: z.literal("closed"),
  ...runRef,
  outcome: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("none") }),
    z.object({ kind: z.literal("done"), content: z.string(), meta: jsonObjectSchema }),
    z.object({ kind: z.literal("failed"), message: z.string(), place: placeSchema.nullable() }),
  ]),
});
