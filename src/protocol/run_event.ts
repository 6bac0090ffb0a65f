/** Events that programs and persons send to a run, for a role that waits for them. */
import * as z from "zod";
import { eventKeyMaxChars, eventNamePattern } from "../base/wait_limits.ts";
import { jsonSchema } from "./json_schema.ts";

export const eventNameSchema = z.string().regex(eventNamePattern);

/** `key` is chosen by the client and stays the same at every retry: one key is one event. */
export const sendEventRequestSchema = z.strictObject({
  name: eventNameSchema,
  payload: jsonSchema.optional(),
  key: z.string().min(1).max(eventKeyMaxChars),
});
export type SendEventRequest = z.infer<typeof sendEventRequestSchema>;

/**
 * `taken`: the round whose wait the event settled; null: it is kept until the run waits for it. Times are milliseconds.
 */
export const runEventSchema = z.object({
  name: z.string(),
  key: z.string(),
  received: z.number(),
  taken: z.int().nullable(),
});
export type RunEvent = z.infer<typeof runEventSchema>;

/** `replayed`: the event had been sent before; nothing has changed. */
export const sendEventReplySchema = z.object({ replayed: z.boolean(), event: runEventSchema });
export type SendEventReply = z.infer<typeof sendEventReplySchema>;
