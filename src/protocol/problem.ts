/** The answers of the control API that are errors. */
import * as z from "zod";
import type { ErrorCode } from "../base/errors.ts";

/** A problem document (RFC 9457); `code` and `hint` are those of a NerveError. */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  hint: z.string().nullable(),
});
export type ProblemDocument = z.infer<typeof problemSchema>;

/** The HTTP status of each error code. */
export const problemStatus: Readonly<
  Record<ErrorCode, 400 | 401 | 403 | 404 | 409 | 413 | 421 | 429 | 500 | 502 | 503>
> = {
  CONFIG_INVALID: 409,
  WORKSPACE_EXISTS: 409,
  WORKSPACE_MISSING: 404,
  NAME_INVALID: 400,
  FOLDER_UNSAFE: 500,
  OWNER_UNTRUSTED: 500,
  ISOLATION_MISSING: 500,
  DAEMON_RUNNING: 409,
  DAEMON_MISSING: 503,
  DAEMON_ANSWER: 502,
  PERMISSION_UNAPPROVED: 409,
  SENSE_UNKNOWN: 404,
  WORKFLOW_UNKNOWN: 404,
  ALERT_UNKNOWN: 404,
  HOOK_UNKNOWN: 404,
  HOOK_UNPROVEN: 401,
  HOOK_BUSY: 503,
  HOST_REFUSED: 421,
  ORIGIN_REFUSED: 403,
  ACCESS_MISSING: 401,
  ACCESS_UNKNOWN: 401,
  ACCESS_EXPIRED: 401,
  ACCESS_REVOKED: 401,
  ACCESS_SCOPE: 403,
  ACCESS_LIMITED: 429,
  LINK_UNKNOWN: 401,
  LINK_USED: 401,
  TOKEN_UNKNOWN: 404,
  TOKEN_EXISTS: 409,
  TOKENS_MANY: 409,
  RUN_UNKNOWN: 404,
  RUN_CONFLICT: 409,
  RUN_ENDED: 409,
  APPROVAL_UNKNOWN: 404,
  SESSION_UNKNOWN: 404,
  APPROVAL_DECIDED: 409,
  APPROVAL_STALE: 409,
  APPROVAL_FORBIDDEN: 403,
  EVENT_CONFLICT: 409,
  EVENTS_MANY: 409,
  RUN_PAUSED: 409,
  PAYLOAD_INVALID: 400,
  QUERY_INVALID: 400,
  DATABASE_MISSING: 409,
  CLIENTS_MANY: 503,
  ROW_UNKNOWN: 404,
  ENGINE_UNKNOWN: 404,
  ENGINE_AWAY: 503,
  ENGINE_WRONG: 502,
  ENGINE_CANNOT: 409,
  STORE_FAILED: 500,
  INTERNAL: 500,
  UPGRADE_FAILED: 500,
  USAGE: 400,
};
