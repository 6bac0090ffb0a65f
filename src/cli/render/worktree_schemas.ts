/** Schemas of the `--json` output of `nerve develop` and `nerve worktree`; json_schemas.ts has the other commands. */
import * as z from "zod";
import { runSchema } from "../../protocol/api.ts";
import { approvalSummarySchema } from "../../protocol/approval.ts";
import { runStatusSchema } from "../../protocol/run.ts";

/** `nerve develop`: the run at its first rest, and its open requests. */
export const developOutput = z.strictObject({ run: runSchema, requests: z.array(approvalSummarySchema) });
export type DevelopOutput = z.infer<typeof developOutput>;

/**
 * `status`: the status of the run; null when there is no such run. `over`: the run has ended, and its `finally` is
 * done. `uncommitted`: the worktree has uncommitted changes. `cleanable`: it is over, and its removal loses nothing.
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
