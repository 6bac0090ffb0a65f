/** A session of a run with an agent, as it is on disk: a conversation that outlives the daemon. */
import * as z from "zod";

/**
 * `CREATED` before the agent knows of it, `BUSY` while a prompt is under way. A session that is not `ENDED` belongs to
 * a run that may still use it.
 */
export const sessionStates = ["CREATED", "READY", "BUSY", "ENDED", "FAILED_NEEDS_HUMAN"] as const;

/** `name`: as the roles of its run name it. `conversation`: the agent's own id for it. Times are milliseconds. */
export const sessionSchema = z.object({
  id: z.string(),
  runId: z.string(),
  name: z.string(),
  workflow: z.string(),
  agent: z.string(),
  cwd: z.string(),
  state: z.enum(sessionStates),
  conversation: z.string().nullable(),
  recoveryAttempts: z.int(),
  created: z.number(),
  changed: z.number(),
});
export const sessionPageSchema = z.object({ total: z.int(), items: z.array(sessionSchema) });
export type SessionPage = z.infer<typeof sessionPageSchema>;

export interface SessionQuery {
  readonly runId?: string;
  /** Whether to include sessions that have ended. */
  readonly all: boolean;
  readonly limit: number;
  readonly offset: number;
}

export const endSessionRequestSchema = z.strictObject({
  reason: z.string().max(1_000).optional().meta({ description: "Why, for the log" }),
});
/** `changed`: whether the session had not ended before. */
export const endSessionReplySchema = z.object({ changed: z.boolean(), session: sessionSchema });
export type EndSessionReply = z.infer<typeof endSessionReplySchema>;

/** The name of the socket of a session's terminal, in the folder for sockets. */
export function terminalSocket(sessionId: string): string {
  return `t-${sessionId}`;
}

export type SessionRecord = z.infer<typeof sessionSchema>;
export type SessionState = SessionRecord["state"];
