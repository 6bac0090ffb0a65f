/** The route of the store: its archive. */
import { Hono } from "hono";
import { describeRoute } from "hono-openapi";
import { archiveReplySchema, archiveRequestSchema } from "../../protocol/api.ts";
import type { KernelPort } from "../kernel_port.ts";
import { describeResponses, validatePart } from "../problem_response.ts";

// Hono's typed client is made of the inferred type; it cannot be written out.
export function storeRoutes(view: KernelPort) {
  return new Hono().post(
    "/store/archive",
    describeRoute({
      summary: "Move whole days of the log into the archive now",
      description: "Answers when that is done; health tells how far it is. Rows of runs that are not finished stay.",
      responses: describeResponses("What left the log", archiveReplySchema),
    }),
    validatePart("json", archiveRequestSchema),
    async (c) => c.json(await view.archive(c.req.valid("json"))),
  );
}
