/** The route of the store: archiving the log. */
import { Hono } from "hono";
import { describeRoute } from "hono-openapi";
import { archiveReplySchema, archiveRequestSchema } from "../../protocol/api.ts";
import type { KernelPort } from "../kernel_port.ts";
import { describeResponses, validatePart } from "../problem_response.ts";

// Hono derives its typed client from the inferred return type, which cannot be written out.
export function storeRoutes(view: KernelPort) {
  return new Hono().post(
    "/store/archive",
    describeRoute({
      summary: "Move whole days of the log into the archive now",
      description:
        "Answers when that is done; health shows the progress. Rows of unfinished runs stay, and signals that a listener has not heard.",
      responses: describeResponses("What left the log", archiveReplySchema, 413, 415),
    }),
    validatePart("json", archiveRequestSchema),
    async (c) => c.json(await view.archive(c.req.valid("json"))),
  );
}
