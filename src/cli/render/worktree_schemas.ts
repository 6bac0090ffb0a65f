/** What `nerve develop` and `nerve worktree` print with `--json`; json_schemas.ts has the other commands. */
import * as z from "zod";
import { runSchema } from "../../protocol/api.ts";
import { approvalSummarySchema } from "../../protocol/approval.ts";
import { runStatusSchema } from "../../protocol/run.ts";

/** `nerve develop`: the run at its first rest, and what it asks then. */
export const developOutput = z.strictObject({ run: runSchema, requests: z.array(approvalSummarySchema) });
export type DevelopOutput = z.infer<typeof developOutput>;

/**
 * `status`: of the run; null when there is no such run. `over`: it has ended, and nobody looks there any more. `uncommitted`:
 * something there is not committed. `cleanable`: it is over, and nothing is lost with it.
 */
const shown = z.strictObject({
  runId: z.string(),
  status: runStatusSchema.nullable(),
  branch: z.string().nullable(),
  repository: z.string().nullable(),
  path: z.string(),
  over: z.boolean(),
  uncommitted: z.boolean(),
  cleanable: z.boolean(),
});
export type ShownWorktree = z.infer<typeof shown>;

export const worktreeListOutput = z.strictObject({ items: z.array(shown) });
export type WorktreeListOutput = z.infer<typeof worktreeListOutput>;

export const worktreeCleanOutput = z.strictObject({ removed: z.array(shown), kept: z.array(shown) });
export type WorktreeCleanOutput = z.infer<typeof worktreeCleanOutput>;
