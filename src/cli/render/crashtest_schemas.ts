/** The output of `nerve crashtest --json`. */
import * as z from "zod";
import { runStatusSchema } from "../../protocol/run.ts";

/** One run that was struck. `asked`: how often a person had to decide about a role with an unknown end. */
const crashTrialSchema = z.strictObject({
  round: z.int(),
  role: z.string(),
  boundary: z.enum(["before", "in", "sent", "wait"]),
  victim: z.enum(["process", "daemon"]),
  attempts: z.int(),
  /** Roles whose code ran more than once in one round. */
  ranTwice: z.array(z.string()),
  asked: z.int(),
  status: runStatusSchema,
  /** False: the run did not come to that boundary. */
  struck: z.boolean(),
  problem: z.string().nullable(),
});
export type CrashTrial = z.infer<typeof crashTrialSchema>;

export const crashtestOutput = z.strictObject({
  workflow: z.string(),
  seed: z.int(),
  /** The undisturbed run. */
  undisturbed: z.strictObject({
    status: runStatusSchema,
    exitCode: z.int().nullable(),
    reason: z.string().nullable(),
    roles: z.array(z.string()),
    problem: z.string().nullable(),
  }),
  /** How many boundaries there are, each with its victim; `trials` may contain only some of them. */
  boundaries: z.int(),
  trials: z.array(crashTrialSchema),
  ok: z.boolean(),
});
export type CrashtestOutput = z.infer<typeof crashtestOutput>;
