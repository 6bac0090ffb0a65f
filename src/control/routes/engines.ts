/** Routes of the engines that keep runs. */
import { Hono } from "hono";
import { describeRoute } from "hono-openapi";
import * as z from "zod";
import { engineListSchema, engineViewSchema } from "../../protocol/engine.ts";
import type { ControlEnv, KernelPort } from "../kernel_port.ts";
import { describeResponses, refuseBody, validatePart } from "../problem_response.ts";

const named = z.object({ name: z.string().meta({ description: "The engine" }) });

// Hono derives its typed client from the inferred return type, which cannot be written out.
export function engineRoutes(view: KernelPort) {
  return new Hono<ControlEnv>()
    .get(
      "/engines",
      describeRoute({
        summary: "The distributed engines",
        description: "Asks each server how it is; one that does not answer takes 10 s.",
        responses: describeResponses("Every engine of nerve.yaml", engineListSchema),
      }),
      async (c) => c.json(await view.engines.list()),
    )
    .post(
      "/engines/:name/register",
      describeRoute({
        summary: "Register this daemon with an engine now",
        description: "The daemon does it automatically, and tries again what has failed.",
        responses: describeResponses("The engine as it is then", engineViewSchema, 404, 415),
      }),
      refuseBody,
      validatePart("param", named),
      async (c) => c.json(await view.engines.register(c.req.valid("param").name)),
    );
}
