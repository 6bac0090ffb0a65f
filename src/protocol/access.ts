/**
 * Access to the listener: tokens, sessions of the dashboard, and one-time links, as the control API shows them.
 * src/access/ decides; the listener asks it.
 */
import * as z from "zod";
import { tokenMaxMs } from "../base/access_limits.ts";
import { namePattern } from "../base/name_pattern.ts";
import { listenerViewSchema } from "./hook.ts";

/** The form of a token, a session's cookie and a link: an id, for the lookup, and a secret. */
export const credentialPattern = /^nerve_([0-9a-f]{16})_([\w-]{43})$/;

/**
 * `read`: requests that change nothing. `operate`: the whole API except tokens and links. `hook`: deliveries to any
 * hook.
 */
export const accessScopeSchema = z.enum(["read", "operate", "hook"]);
export type AccessScope = z.infer<typeof accessScopeSchema>;

/** The scopes of a session, and of a link that opens one. */
export const sessionScopeSchema = z.enum(["read", "operate"]);
export type SessionScope = z.infer<typeof sessionScopeSchema>;

/** A token or a session. Only the hash of its secret is stored. Times are milliseconds. */
export const tokenViewSchema = z.object({
  kind: z.enum(["token", "session"]),
  name: z.string(),
  scope: accessScopeSchema,
  state: z.enum(["live", "expired", "revoked"]),
  created: z.number(),
  /** Null: never. */
  expires: z.number().nullable(),
  /** The last use, to the minute; null: never used. */
  used: z.number().nullable(),
});
export type TokenView = z.infer<typeof tokenViewSchema>;

export const tokensSchema = z.object({ items: z.array(tokenViewSchema) });

export const createTokenRequestSchema = z.strictObject({
  name: z.string().regex(namePattern, "must be lowercase letters, digits and hyphens"),
  scope: accessScopeSchema,
  /** How long the token is valid; null: until it is revoked. */
  forMs: z.int().min(1).max(tokenMaxMs).nullable(),
});
export type CreateTokenRequest = z.infer<typeof createTokenRequestSchema>;

/** The only reply that contains the `secret`. */
export const createTokenReplySchema = z.object({ secret: z.string(), token: tokenViewSchema });
export type CreateTokenReply = z.infer<typeof createTokenReplySchema>;

/** Revokes the token or session of that name, or every session. */
export const revokeTokensRequestSchema = z.strictObject({
  name: z.string().optional(),
  sessions: z.boolean().default(false),
});
export type RevokeTokensRequest = z.input<typeof revokeTokensRequestSchema>;

export const revokeTokensReplySchema = z.object({ revoked: z.array(z.string()) });
export type RevokeTokensReply = z.infer<typeof revokeTokensReplySchema>;

export const createLinkRequestSchema = z.strictObject({ scope: sessionScopeSchema.default("operate") });
export type CreateLinkRequest = z.input<typeof createLinkRequestSchema>;

/** `path` is the link's path on the listener. */
export const createLinkReplySchema = z.object({
  path: z.string(),
  expires: z.number(),
  listener: listenerViewSchema.nullable(),
});
export type CreateLinkReply = z.infer<typeof createLinkReplySchema>;

/** The caller of a request. `socket`: it came through the workspace's socket. */
export const callerSchema = z.object({
  kind: z.enum(["socket", "token", "session"]),
  name: z.string().nullable(),
  scope: accessScopeSchema,
  expires: z.number().nullable(),
});
export type Caller = z.infer<typeof callerSchema>;

/** A caller that came through the listener. `ended` aborts when its token or session ends. */
export interface AdmittedCaller extends Caller {
  readonly kind: "token" | "session";
  readonly name: string;
  readonly ended: AbortSignal;
}

/** The credential of a request: a token in a header, or the cookie of a session. */
export interface Credential {
  readonly kind: "token" | "session";
  readonly text: string;
}

/** `cookie` is the value of the session's cookie. */
export interface OpenedSession {
  readonly cookie: string;
  readonly caller: Caller;
}
