/** Schemas of the `--json` output of `nerve alert` and `nerve why --alert`; json_schemas.ts has the other commands. */
import * as z from "zod";
import { alertCountersSchema, alertViewSchema } from "../../protocol/alert.ts";
import { logRowSchema } from "../../protocol/log.ts";

/** `counters` is null without a daemon. */
const shown = alertViewSchema.extend({ counters: alertCountersSchema.nullable() });
export type ShownAlert = z.infer<typeof shown>;

/** Whether the daemon answered; see json_schemas.ts. */
const origin = { daemon: z.boolean(), problem: z.string().nullable() } as const;

/** `nerve alert list` */
export const alertListOutput = z.strictObject({ ...origin, items: z.array(shown) });
export type AlertListOutput = z.infer<typeof alertListOutput>;

/** `nerve alert show NAME` */
export const alertShowOutput = z.strictObject({ ...origin, alert: shown });
export type AlertShowOutput = z.infer<typeof alertShowOutput>;

/** `nerve alert test`: the expectations that were not met, and the expressions that failed. */
export const alertTestOutput = z.strictObject({
  tests: z.array(z.strictObject({
    alert: z.string(),
    name: z.string().nullable(),
    ok: z.boolean(),
    faults: z.array(z.string()),
    failures: z.array(z.strictObject({
      at: z.string(),
      key: z.string(),
      expected: z.string(),
      found: z.string(),
    })),
  })),
});
export type AlertTestOutput = z.infer<typeof alertTestOutput>;

/**
 * `nerve why --alert NAME`: its newest rows, oldest first; its current states; the last signal of its sense, and
 * whether its condition holds for that signal (null: it has no condition, or an expression failed: `fault`).
 */
export const whyAlertOutput = z.strictObject({
  alert: z.string(),
  items: z.array(logRowSchema),
  more: z.boolean(),
  now: shown,
  lastSignal: z.strictObject({
    row: logRowSchema,
    key: z.string().nullable(),
    when: z.boolean().nullable(),
    fault: z.string().nullable(),
  }).nullable(),
  daemon: z.boolean(),
  problem: z.string().nullable(),
});
export type WhyAlertOutput = z.infer<typeof whyAlertOutput>;
