/** Routes of sessions of agents. */
import { Hono } from "hono";
import { describeRoute } from "hono-openapi";
import * as z from "zod";
import { runIdSchema } from "../../protocol/run.ts";
import {
  endSessionReplySchema,
  endSessionRequestSchema,
  sessionPageSchema,
  type SessionQuery,
  sessionSchema,
} from "../../protocol/session.ts";
import { transcriptPageSchema } from "../../protocol/transcript.ts";
import type { ControlEnv, KernelPort } from "../kernel_port.ts";
import { allowNoBody, describeResponses, validatePart } from "../problem_response.ts";
import { countSchema, dropUndefined, flagSchema } from "./query.ts";

const named = z.object({ id: z.string().meta({ description: "The session" }) });

const listQuery = z.object({
  run: runIdSchema.optional().meta({ description: "Only sessions of this run" }),
  all: flagSchema.meta({ description: "1: also those that have ended" }),
  limit: countSchema.pipe(z.int().min(1).max(1_000)).default(20).meta({ description: "1 to 1000; default 20" }),
  offset: countSchema.default(0).meta({ description: "How many to skip; default 0" }),
});

const transcriptQuery = z.object({
  after: countSchema.default(0).meta({ description: "The next of an earlier page; default 0: from the beginning" }),
  tail: countSchema.optional().meta({ description: "Only about so many of its last bytes" }),
});

// Hono derives its typed client from the inferred return type, which cannot be written out.
export function sessionRoutes(view: KernelPort) {
  return new Hono<ControlEnv>()
    .get(
      "/sessions",
      describeRoute({
        summary: "Sessions of agents, newest first",
        responses: describeResponses("A page of sessions", sessionPageSchema),
      }),
      validatePart("query", listQuery),
      (c) => {
        const { run, ...rest } = c.req.valid("query");
        const query: SessionQuery = dropUndefined({ ...rest, runId: run });
        return c.json(view.sessions.list(query));
      },
    )
    .get(
      "/sessions/:id",
      describeRoute({
        summary: "One session",
        responses: describeResponses("The session", sessionSchema, 404),
      }),
      validatePart("param", named),
      (c) => c.json(view.sessions.one(c.req.valid("param").id)),
    )
    .get(
      "/sessions/:id/log",
      describeRoute({
        summary: "The transcript of a session",
        description: "A page of its transcript; ask again with after = next for what follows.",
        responses: describeResponses("A page of entries, oldest first", transcriptPageSchema, 404),
      }),
      validatePart("param", named),
      validatePart("query", transcriptQuery),
      async (c) => {
        const query = dropUndefined(c.req.valid("query"));
        return c.json(await view.sessions.transcript(c.req.valid("param").id, query));
      },
    )
    .post(
      "/sessions/:id/end",
      describeRoute({
        summary: "End a session and everything that runs for it",
        description:
          "Its run goes on: a role that waits for its answer fails, and a later role of that session begins a new one.",
        responses: describeResponses("The session, whose end is on disk", endSessionReplySchema, 404, 415),
      }),
      allowNoBody,
      validatePart("param", named),
      validatePart("json", endSessionRequestSchema),
      async (c) => {
        const { reason = "a person has ended it" } = c.req.valid("json");
        return c.json(await view.sessions.end(c.req.valid("param").id, reason));
      },
    );
}
