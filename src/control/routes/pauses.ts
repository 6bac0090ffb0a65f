/** Routes that pause and resume senses. */
import { Hono } from "hono";
import { describeRoute } from "hono-openapi";
import { pauseSenseReplySchema, pauseSenseRequestSchema } from "../../protocol/sense_pause.ts";
import type { ControlEnv, KernelPort } from "../kernel_port.ts";
import { allowNoBody, describeResponses, refuseBody, validatePart } from "../problem_response.ts";
import { namedSense, throwUnknownSense } from "./senses.ts";

// Hono derives its typed client from the inferred return type, which cannot be written out.
export function pauseRoutes(view: KernelPort) {
  return new Hono<ControlEnv>()
    .post(
      "/senses/:name/pause",
      describeRoute({
        summary: "Pause a sense",
        description:
          "Its reflexes do not wake it until it is resumed or the time is over. A trigger by hand still computes.",
        responses: describeResponses("The pause, which is on disk", pauseSenseReplySchema, 404, 415),
      }),
      allowNoBody,
      validatePart("param", namedSense),
      validatePart("json", pauseSenseRequestSchema),
      async (c) => {
        const { name } = c.req.valid("param");
        return c.json(await view.pauses.pause(name, c.req.valid("json")) ?? throwUnknownSense(name, view));
      },
    )
    .post(
      "/senses/:name/resume",
      describeRoute({
        summary: "Resume a paused sense",
        responses: describeResponses("Whether it was paused", pauseSenseReplySchema, 404, 415),
      }),
      refuseBody,
      validatePart("param", namedSense),
      async (c) => {
        const { name } = c.req.valid("param");
        return c.json(await view.pauses.resume(name) ?? throwUnknownSense(name, view));
      },
    );
}
