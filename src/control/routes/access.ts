/** Routes of access to the listener: tokens, sessions, links. The listener serves only `/session` of these. */
import { Hono, type MiddlewareHandler } from "hono";
import { describeRoute } from "hono-openapi";
import { NerveError } from "../../base/errors.ts";
import {
  callerSchema,
  createLinkReplySchema,
  createLinkRequestSchema,
  createTokenReplySchema,
  createTokenRequestSchema,
  revokeTokensReplySchema,
  revokeTokensRequestSchema,
  tokensSchema,
} from "../../protocol/access.ts";
import type { ControlEnv, KernelPort } from "../kernel_port.ts";
import { allowNoBody, describeResponses, validatePart } from "../problem_response.ts";

/** The listener forwards none of these requests; as a second check, a caller that came through it is refused here. */
const requireSocket: MiddlewareHandler<ControlEnv> = async (c, next) => {
  if (c.env?.caller === undefined) return await next();
  throw new NerveError("ACCESS_SCOPE", "tokens and links are made only on the workspace's socket");
};

// Hono derives its typed client from the inferred return type, which cannot be written out.
export function accessRoutes(view: KernelPort) {
  return new Hono<ControlEnv>()
    .use("/access/*", requireSocket)
    .get(
      "/session",
      describeRoute({
        summary: "Who asks, and what that token or session may do",
        responses: describeResponses("The caller", callerSchema),
      }),
      (c) => c.json(c.env?.caller ?? { kind: "socket" as const, name: null, scope: "operate" as const, expires: null }),
    )
    .get(
      "/access/tokens",
      describeRoute({
        summary: "Tokens and sessions, oldest first",
        description: "Only on the workspace's socket. Of a secret nerve keeps only the hash.",
        responses: describeResponses("Every token and session that is remembered", tokensSchema),
      }),
      (c) => c.json({ items: view.access.list() }),
    )
    .post(
      "/access/tokens",
      describeRoute({
        summary: "Make a token for the listener",
        description: "Only on the workspace's socket. Only this answer has the secret.",
        responses: describeResponses("The token", createTokenReplySchema, 409, 415),
      }),
      validatePart("json", createTokenRequestSchema),
      async (c) => c.json(await view.access.create(c.req.valid("json"))),
    )
    .post(
      "/access/revoke",
      describeRoute({
        summary: "Revoke a token or sessions",
        description: "Only on the workspace's socket. What they wait for or follow ends at once.",
        responses: describeResponses("The names of what ended", revokeTokensReplySchema, 404, 415),
      }),
      validatePart("json", revokeTokensRequestSchema),
      async (c) => c.json(await view.access.revoke(c.req.valid("json"))),
    )
    .post(
      "/access/links",
      describeRoute({
        summary: "Make a link that opens a session of the dashboard, once",
        description: "Only on the workspace's socket. The link is good for five minutes.",
        responses: describeResponses("The link, and where the listener is", createLinkReplySchema, 415),
      }),
      allowNoBody,
      validatePart("json", createLinkRequestSchema),
      async (c) => c.json(await view.access.makeLink(c.req.valid("json").scope)),
    );
}
