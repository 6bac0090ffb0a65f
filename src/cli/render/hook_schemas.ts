/** Schemas of the `--json` output of `nerve hook`; json_schemas.ts has the other commands. */
import * as z from "zod";
import { hookCountersSchema, hookViewSchema, listenerViewSchema } from "../../protocol/hook.ts";

/** `counters` is null without a daemon. */
const shown = hookViewSchema.extend({ counters: hookCountersSchema.nullable() });
export type ShownHook = z.infer<typeof shown>;

/** `nerve hook list`; `daemon`: whether it answered; if not, `problem` may contain the reason. */
export const hookListOutput = z.strictObject({
  daemon: z.boolean(),
  problem: z.string().nullable(),
  listener: listenerViewSchema.nullable(),
  items: z.array(shown),
});
export type HookListOutput = z.infer<typeof hookListOutput>;

/** `nerve hook send`: the answer. `id` is the row of the delivery; null when it was refused for the reason `why`. */
export const hookSendOutput = z.strictObject({
  status: z.int(),
  id: z.int().nullable(),
  repeated: z.boolean(),
  why: z.string().nullable(),
});
export type HookSendOutput = z.infer<typeof hookSendOutput>;
