/** Routes that only the dashboard needs: columns of senses over time, permissions, sizes of the store. */
import type { Context, TypedResponse } from "hono";
import { Hono } from "hono";
import { describeRoute } from "hono-openapi";
import * as z from "zod";
import { NerveError } from "../../base/errors.ts";
import {
  permissionsSchema,
  type SenseColumns,
  senseColumnsSchema,
  type SenseSeries,
  senseSeriesSchema,
  type StoreSizes,
  storeSizesSchema,
} from "../../protocol/dashboard.ts";
import type { TextPage } from "../../protocol/text_page.ts";
import type { ControlEnv, KernelPort } from "../kernel_port.ts";
import { describeResponses, validatePart } from "../problem_response.ts";
import { countSchema, createGoneSignal } from "./query.ts";
import { namedSense, throwUnknownSense } from "./senses.ts";

const hourMs = 3_600_000;

const seriesQuery = z.object({
  table: z.string().meta({ description: "The table" }),
  column: z.string().meta({ description: "A column of numbers; its table has a column of times" }),
  spanMs: countSchema.pipe(z.int().min(1_000)).default(24 * hourMs).meta({
    description: "How far back, in milliseconds; default a day",
  }),
  untilMs: countSchema.optional().meta({ description: "The end; default now" }),
  points: countSchema.pipe(z.int().min(1).max(2_000)).default(300).meta({
    description: "Into how many spans the time is divided; 1 to 2000, default 300",
  }),
});

const unitQuery = z.object({
  unit: z.string().optional().meta({ description: "group:NAME or workflow:NAME" }),
});

// Hono derives its typed client from the inferred return type, which cannot be written out.
export function dashboardRoutes(view: KernelPort) {
  return new Hono<ControlEnv>()
    .get(
      "/senses/:name/columns",
      describeRoute({
        summary: "What of a sense can be drawn",
        description: "The columns of numbers in tables that have a column of times.",
        responses: describeResponses("Every column, table by table", senseColumnsSchema, 404),
      }),
      validatePart("param", namedSense),
      async (c) => {
        const { name } = c.req.valid("param");
        requireSense(name, view);
        const page = await view.dashboard.columns(name, createGoneSignal(c));
        return page === null ? c.json({ items: [] } satisfies SenseColumns) : respondOne<SenseColumns>(c, page);
      },
    )
    .get(
      "/senses/:name/series",
      describeRoute({
        summary: "A column of a sense over time",
        description: "The rows of each span of time as one point. Spans without rows are left out.",
        responses: describeResponses("The points, oldest first", senseSeriesSchema, 404),
      }),
      validatePart("param", namedSense),
      validatePart("query", seriesQuery),
      async (c) => {
        const { name } = c.req.valid("param"), { table, column, spanMs, points, ...query } = c.req.valid("query");
        requireSense(name, view);
        const untilMs = query.untilMs ?? c.env.clock.now(), fromMs = untilMs - spanMs;
        const asked = { table, column, fromMs, untilMs, points };
        const page = await view.dashboard.series(name, asked, createGoneSignal(c));
        if (page !== null) return respondOne<SenseSeries>(c, page);
        throw new NerveError("DATABASE_MISSING", `sense "${name}" has no database yet`, {
          hint: `its first compute creates it: nerve sense trigger ${name} --wait`,
        });
      },
    )
    .get(
      "/permissions",
      describeRoute({
        summary: "What each group and workflow may do",
        description: "With what nerve.yaml asks for beyond nerve.permissions.lock, and no longer asks for. " +
          "Of one unit also the grants that every unit of its kind has.",
        responses: describeResponses("The grants in force, and the difference", permissionsSchema),
      }),
      validatePart("query", unitQuery),
      async (c) => c.json(await view.dashboard.permissions(c.req.valid("query").unit ?? null)),
    )
    .get(
      "/store",
      describeRoute({
        summary: "How large the data is",
        responses: describeResponses("Sizes of all parts", storeSizesSchema),
      }),
      async (c) => respondOne<StoreSizes>(c, await view.dashboard.sizes(createGoneSignal(c))),
    );
}

function requireSense(name: string, view: KernelPort): void {
  if (view.sense(name) === null) throwUnknownSense(name, view);
}

/** Answers with the only item of a page, which is JSON already. */
function respondOne<Reply>(c: Context, { text }: TextPage): Response & TypedResponse<Reply, 200, "json"> {
  const headers = { "content-type": "application/json", "content-length": String(text.length) };
  return c.body(text, 200, headers) as unknown as Response & TypedResponse<Reply, 200, "json">;
}
