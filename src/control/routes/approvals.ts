/** Routes of approvals: the requests that people decide for runs. */
import { Hono } from "hono";
import { describeRoute } from "hono-openapi";
import * as z from "zod";
import { approvalByMaxChars } from "../../base/wait_limits.ts";
import {
  approvalListSchema,
  type ApprovalQuery,
  approvalSchema,
  decisionReplySchema,
  decisionRequestSchema,
} from "../../protocol/approval.ts";
import { unknownApproval } from "../../protocol/common_errors.ts";
import { runIdSchema } from "../../protocol/run.ts";
import type { ControlEnv, KernelPort } from "../kernel_port.ts";
import { describeResponses, validatePart } from "../problem_response.ts";
import { countSchema, dropUndefined, flagSchema } from "./query.ts";

const identified = z.object({ id: z.string().meta({ description: "The request" }) });

const listQuery = z.object({
  run: runIdSchema.optional().meta({ description: "Only requests of this run" }),
  all: flagSchema.meta({ description: "1: also those that were decided, newest first" }),
  limit: countSchema.pipe(z.int().min(1).max(1_000)).default(20).meta({ description: "1 to 1000; default 20" }),
  offset: countSchema.default(0).meta({ description: "How many to skip; default 0" }),
});

// Hono derives its typed client from the inferred return type, which cannot be written out.
export function approvalRoutes(view: KernelPort) {
  return new Hono<ControlEnv>()
    .get(
      "/approvals",
      describeRoute({
        summary: "What waits for a decision, oldest first",
        description: "Without the bodies of the requests. `approvers`: whose signature a decision needs.",
        responses: describeResponses("A page of requests", approvalListSchema),
      }),
      validatePart("query", listQuery),
      (c) => {
        const { run, ...rest } = c.req.valid("query");
        const query: ApprovalQuery = dropUndefined({ ...rest, runId: run });
        return c.json({ ...view.approvals(query), approvers: view.dashboard.approvers() });
      },
    )
    .get(
      "/approvals/:id",
      describeRoute({
        summary: "One request, with what is decided on",
        responses: describeResponses("The request", approvalSchema, 404),
      }),
      validatePart("param", identified),
      (c) => {
        const { id } = c.req.valid("param"), approval = view.approval(id);
        if (approval === null) throw unknownApproval(id);
        return c.json(approval);
      },
    )
    .post(
      "/approvals/:id/decision",
      describeRoute({
        summary: "Decide a request",
        description:
          "Names the digest of what was shown: another one is refused. The decision, its message and the move " +
          "of the run are on disk together before the answer is sent. The same option with the same token, or by the " +
          "same person, is answered again and changes nothing; any other decision of a decided request is a conflict. A " +
          "request of kind recovery that is decided as done takes content and meta: they are the message of its role.",
        responses: describeResponses("The decided request", decisionReplySchema, 403, 404, 409, 415),
      }),
      validatePart("param", identified),
      validatePart("json", decisionRequestSchema),
      async (c) => {
        const asked = c.req.valid("json"), by = describeDecider(asked.by, c.env?.caller?.name ?? null);
        return c.json(await view.decide(c.req.valid("param").id, { ...asked, ...by !== undefined && { by } }));
      },
    );
}

/** A decision through the listener always carries the name of its token or session: the caller cannot choose it. */
function describeDecider(named: string | undefined, caller: string | null): string | undefined {
  if (caller === null) return named;
  const room = approvalByMaxChars - caller.length - 3;
  return named === undefined ? caller : `${named.slice(0, room)} (${caller})`;
}
