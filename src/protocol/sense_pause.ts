/** Pauses of senses: the requests, and the view. */
import * as z from "zod";

/** The longest pause with an end. */
export const pauseMaxMs = 366 * 24 * 3_600_000;
const wordsMaxChars = 1_000;

/** `since` and `until` are wall milliseconds; `until` null: until the sense is resumed. */
export const sensePauseSchema = z.object({
  since: z.number(),
  until: z.number().nullable(),
  reason: z.string().nullable(),
  /** How many triggers the pause has skipped so far. */
  skipped: z.int(),
});
export type SensePause = z.infer<typeof sensePauseSchema>;

/** Without `forMs`: until the sense is resumed. */
export const pauseSenseRequestSchema = z.strictObject({
  forMs: z.int().min(1).max(pauseMaxMs).optional(),
  reason: z.string().min(1).max(wordsMaxChars).optional(),
});
export type PauseSenseRequest = z.infer<typeof pauseSenseRequestSchema>;

/** `changed` false: it was already so. `paused`: the pause that is now in force. */
export const pauseSenseReplySchema = z.object({ changed: z.boolean(), paused: sensePauseSchema.nullable() });
export type PauseSenseReply = z.infer<typeof pauseSenseReplySchema>;
