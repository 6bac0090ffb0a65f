/** The wait that a role requests from the kernel. */
import * as z from "zod";
import { maxRoundsMax } from "../base/limits.ts";
import {
  childrenMax,
  gateApproversMax,
  gateBodyMaxBytes,
  gateOptionMaxChars,
  gateOptionsMax,
  gateTitleMaxChars,
  sleepMaxMs,
  sleepUntilMax,
} from "../base/wait_limits.ts";
import { jsonSchema } from "./json_schema.ts";
import { eventNameSchema } from "./run_event.ts";
import { nameSchema } from "./signal.ts";

/** A run that a role requests. */
export const childRequestSchema = z.object({
  workflow: nameSchema,
  prompt: z.string(),
  payload: jsonSchema,
  maxRounds: z.int().min(1).max(maxRoundsMax).nullable(),
});
export type ChildRequest = z.infer<typeof childRequestSchema>;

/** A span, a wall time in milliseconds, a person's decision, an event, or runs. */
export const waitSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("for"), ms: z.int().min(0).max(sleepMaxMs) }),
  z.object({ kind: z.literal("until"), at: z.int().min(0).max(sleepUntilMax) }),
  z.object({
    kind: z.literal("gate"),
    title: z.string().min(1).max(gateTitleMaxChars),
    body: z.string().max(gateBodyMaxBytes),
    options: z.array(z.string().min(1).max(gateOptionMaxChars)).min(1).max(gateOptionsMax),
    expiresMs: z.int().min(0).max(sleepMaxMs).nullable(),
    onExpiry: z.string().nullable(),
    approvers: z.array(nameSchema).min(1).max(gateApproversMax).nullable(),
    phase: z.string().max(gateOptionMaxChars).optional(),
  }).refine(
    ({ options, expiresMs, onExpiry }) =>
      (onExpiry === null) === (expiresMs === null) && (onExpiry === null || options.includes(onExpiry)),
    {
      error: "an expiry takes one of the options",
    },
  ),
  z.object({
    kind: z.literal("event"),
    name: eventNameSchema,
    timeoutMs: z.int().min(0).max(sleepMaxMs).nullable(),
  }),
  z.object({ kind: z.literal("children"), runs: z.array(childRequestSchema).max(childrenMax) }),
]);
export type AskedWait = z.infer<typeof waitSchema>;
