/**
 * Who may use the listener: tokens, sessions of the dashboard, and one-time links, as the control API shows them.
 * src/access/ decides; the listener asks it.
 */
import * as z from "zod";
import { tokenMaxMs } from "../base/access_limits.ts";
import { namePattern } from "../base/name_pattern.ts";
import { listenerViewSchema } from "./hook.ts";

/** What a token, the cookie of a session and a link look like: an id, which finds it, and a secret. */
export const credentialPattern = /^nerve_([0-9a-f]{16})_([\w-]{43})$/;

/** `read`: what changes nothing. `operate`: everything of the API but tokens and links. `hook`: deliveries to any hook. */
export const accessScopeSchema = z.enum(["read", "operate", "hook"]);
export type AccessScope = z.infer<typeof accessScopeSchema>;

/** A session, and a link that opens one, are of these. */
export const sessionScopeSchema = z.enum(["read", "operate"]);
export type SessionScope = z.infer<typeof sessionScopeSchema>;

/** A token or a session; of its secret only the hash is kept. Times are milliseconds. */
export const tokenViewSchema = z.object({
  kind: z.enum(["token", "session"]),
  name: z.string(),
  scope: accessScopeSchema,
  state: z.enum(["live", "expired", "revoked"]),
  created: z.number(),
  /** Null: never. */
  expires: z.number().nullable(),
  /** To the minute; null: never used. */
  used: z.number().nullable(),
});
export type TokenView = z.infer<typeof tokenViewSchema>;

export const tokensSchema = z.object({ items: z.array(tokenViewSchema) });

export const createTokenRequestSchema = z.strictObject({
  name: z.string().regex(namePattern, "must be lowercase letters, digits and hyphens"),
  scope: accessScopeSchema,
  /** How long it is good for; null: until it is revoked. */
  forMs: z.int().min(1).max(tokenMaxMs).nullable(),
});
export type CreateTokenRequest = z.infer<typeof createTokenRequestSchema>;

/** `secret` is told only here. */
export const createTokenReplySchema = z.object({ secret: z.string(), token: tokenViewSchema });
export type CreateTokenReply = z.infer<typeof createTokenReplySchema>;

/** One of the name, or every session. */
export const revokeTokensRequestSchema = z.strictObject({
  name: z.string().optional(),
  sessions: z.boolean().default(false),
});
export type RevokeTokensRequest = z.input<typeof revokeTokensRequestSchema>;

export const revokeTokensReplySchema = z.object({ revoked: z.array(z.string()) });
export type RevokeTokensReply = z.infer<typeof revokeTokensReplySchema>;

export const createLinkRequestSchema = z.strictObject({ scope: sessionScopeSchema.default("operate") });
export type CreateLinkRequest = z.input<typeof createLinkRequestSchema>;

/** `path` is that of the link on the listener. */
export const createLinkReplySchema = z.object({
  path: z.string(),
  expires: z.number(),
  listener: listenerViewSchema.nullable(),
});
export type CreateLinkReply = z.infer<typeof createLinkReplySchema>;

/** Who asks. `socket`: who may open the workspace's socket. */
export const callerSchema = z.object({
  kind: z.enum(["socket", "token", "session"]),
  name: z.string().nullable(),
  scope: accessScopeSchema,
  expires: z.number().nullable(),
});
export type Caller = z.infer<typeof callerSchema>;

/** A caller that came through the listener. `ended` aborts when its token or session is over. */
export interface AdmittedCaller extends Caller {
  readonly kind: "token" | "session";
  readonly name: string;
  readonly ended: AbortSignal;
}

/** What a request shows: a token in a header, or the cookie of a session. */
export interface Credential {
  readonly kind: "token" | "session";
  readonly text: string;
}

/** `cookie` is the value of the session's cookie. */
export interface OpenedSession {
  readonly cookie: string;
  readonly caller: Caller;
}
