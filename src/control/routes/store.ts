/** The route of the store: its archive. */
import { Hono } from "hono";
import { describeRoute } from "hono-openapi";
import { archiveReplySchema, archiveRequestSchema } from "../../protocol/api.ts";
import { responses, valid } from "../problem.ts";
import type { KernelView } from "../view.ts";

// Hono's typed client is made of the inferred type; it cannot be written out.
export function storeRoutes(view: KernelView) {
  return new Hono().post(
    "/store/archive",
    describeRoute({
      summary: "Move whole days of the log into the archive now",
      description: "Answers when that is done; health tells how far it is. Rows of runs that are not finished stay.",
      responses: responses("What left the log", archiveReplySchema),
    }),
    valid("json", archiveRequestSchema),
    async (c) => c.json(await view.archive(c.req.valid("json"))),
  );
}
