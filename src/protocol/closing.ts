/** What happens after a run has ended: the messages about the `finally` of its workflow, and the row of its result. */
import * as z from "zod";
import { roleTimeoutMaxMs } from "../base/limits.ts";
import type { JsonObject } from "./json.ts";
import { jsonObjectSchema } from "./json_schema.ts";
import { type Run, runIdSchema, type RunStart, type RunStatus } from "./run.ts";
import { placeSchema } from "./signal.ts";

/** How a run has ended. */
export type RunEnd = Pick<Run, "status" | "exitCode" | "reason" | "endedAt">;

/**
 * The payload of a `run.closed` row: what `finally` returned, or why it did not. `status`: how the run had ended;
 * `attempts`: how often `finally` was begun since the daemon started; `report`: the path of the report, in the workspace.
 */
export type RunClosing =
  & { readonly status: RunStatus; readonly attempts: number; readonly report?: string }
  & ({ readonly content: string; readonly meta: JsonObject } | { readonly error: string });

/** Where the report of a run is, below the folder of the workspace. */
export function reportPathOf(runId: string): string {
  return `data/reports/${runId}.report.md`;
}

/** Whether a workflow has a `finally`, as this version of its code said. */
export interface KnownFinally {
  readonly code: string;
  readonly has: boolean;
}

/** To the process: the run has ended. After its `rounds` messages the `finally` of its workflow runs. */
export interface CloseMessage {
  readonly t: "close";
  readonly start: RunStart;
  readonly attempt: number;
  readonly rounds: number;
  readonly end: RunEnd;
}

const runRef = { runId: runIdSchema, attempt: z.int() };

/** `finally` begins. The kernel watches its time limit too, as that of a role. */
export const closingSchema = z.object({
  t: z.literal("closing"),
  ...runRef,
  timeoutMs: z.int().min(1).max(roleTimeoutMaxMs),
  /** What it returns is the run's report. */
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
