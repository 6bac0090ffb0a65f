/** Routes of the kernel as a whole: health, log, reload, stop. */
import { Hono } from "hono";
import { describeRoute } from "hono-openapi";
import * as z from "zod";
import { healthSchema, type LogPage, logsSchema, reloadReplySchema, stoppingSchema } from "../../protocol/api.ts";
import type { LogFilter } from "../../protocol/log.ts";
import { sourceForms } from "../../protocol/log_source.ts";
import type { ControlEnv, KernelPort } from "../kernel_port.ts";
import { describeResponses, refuseBody, validatePart } from "../problem_response.ts";
import { buildNextPage, countSchema, createGoneSignal, dropUndefined, flagSchema, respondPage } from "./query.ts";

const logQuery = z.object({
  source: z.string().optional().meta({
    description: sourceForms,
  }),
  type: z.string().optional().meta({ description: "Such as sense.signal or run.completed" }),
  refId: z.string().optional().meta({ description: "A run id, or the name of a sense or group" }),
  sinceMs: countSchema.optional().meta({ description: "Only rows of this time or later" }),
  untilMs: countSchema.optional().meta({ description: "Only rows of this time or earlier" }),
  afterId: countSchema.optional().meta({ description: "Only rows after this id" }),
  beforeId: countSchema.optional().meta({ description: "Only rows before this id" }),
  order: z.enum(["asc", "desc"]).default("desc").meta({ description: "By id" }),
  limit: countSchema.pipe(z.int().min(1).max(1_000)).default(100).meta({ description: "1 to 1000; default 100" }),
  archived: flagSchema.meta({
    description: "1: include archived rows; those of a run are always included",
  }),
});

// Hono derives its typed client from the inferred return type, which cannot be written out.
export function kernelRoutes(view: KernelPort, stop: () => void) {
  return new Hono<ControlEnv>()
    .get(
      "/health",
      describeRoute({
        summary: "What runs, and in which state",
        responses: describeResponses("The kernel's state", healthSchema),
      }),
      async (c) => {
        await view.prepareHealth();
        return c.json(view.health());
      },
    )
    .get(
      "/logs",
      describeRoute({
        summary: "Rows of the log",
        description: "A page holds `limit` rows and about 16 MiB; `next` leads on. A query that takes 30 s is ended.",
        responses: describeResponses("A page of rows", logsSchema),
      }),
      validatePart("query", logQuery),
      async (c) => {
        const { archived, ...query } = c.req.valid("query"), filter: LogFilter = dropUndefined(query);
        const page = await view.pages.logs(filter, archived, createGoneSignal(c)), last = page.items.at(-1);
        const cursor = filter.order === "asc" ? "afterId" : "beforeId";
        const next = page.more && last !== undefined ? buildNextPage(c.req.url, { [cursor]: String(last.key) }) : null;
        return respondPage<LogPage>(c, page, { next });
      },
    )
    .post(
      "/reload",
      describeRoute({
        summary: "Reload nerve.yaml and all code now",
        description: "Answers when that is done. An invalid nerve.yaml does not fail the request: see configError.",
        responses: describeResponses("What changed, and what is wrong", reloadReplySchema, 415),
      }),
      refuseBody,
      async (c) => c.json(await view.reload()),
    )
    .post(
      "/stop",
      describeRoute({
        summary: "Stop cleanly",
        responses: describeResponses("The stop has begun", stoppingSchema, 415),
      }),
      refuseBody,
      (c) => {
        stop();
        return c.json({ stopping: true as const });
      },
    );
}
