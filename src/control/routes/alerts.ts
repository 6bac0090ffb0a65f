/** Routes of alerts. */
import { Hono } from "hono";
import { describeRoute } from "hono-openapi";
import * as z from "zod";
import {
  ackRequestSchema,
  alertChangedSchema,
  alertsSchema,
  alertViewSchema,
  silenceRequestSchema,
  unsilenceRequestSchema,
} from "../../protocol/alert.ts";
import { nameSchema } from "../../protocol/signal.ts";
import type { ControlEnv, KernelPort } from "../kernel_port.ts";
import { describeResponses, validatePart } from "../problem_response.ts";

const named = z.object({ name: nameSchema.meta({ description: "The alert" }) });

// Hono derives its typed client from the inferred return type, which cannot be written out.
export function alertRoutes(view: KernelPort) {
  return new Hono<ControlEnv>()
    .get(
      "/alerts",
      describeRoute({
        summary: "All alerts",
        description: "Of each alert the first states that are pending or fire.",
        responses: describeResponses("Every alert, by name", alertsSchema),
      }),
      async (c) => c.json({ items: await view.alerts.views() }),
    )
    .get(
      "/alerts/:name",
      describeRoute({
        summary: "One alert",
        responses: describeResponses("The alert with all its states", alertViewSchema, 404),
      }),
      validatePart("param", named),
      async (c) => c.json(await view.alerts.view(c.req.valid("param").name)),
    )
    .post(
      "/alerts/:name/silence",
      describeRoute({
        summary: "Start no workflow for it for some time",
        description:
          "Its states change as before. Without `key`, for all of them. If it still fires when that ends, its workflow starts then.",
        responses: describeResponses("How many silences were changed", alertChangedSchema, 404, 415),
      }),
      validatePart("param", named),
      validatePart("json", silenceRequestSchema),
      async (c) => c.json(await view.alerts.silence(c.req.valid("param").name, c.req.valid("json"))),
    )
    .post(
      "/alerts/:name/unsilence",
      describeRoute({
        summary: "End silences",
        description: "Without `key`, every silence of the alert.",
        responses: describeResponses("How many silences were ended", alertChangedSchema, 404, 415),
      }),
      validatePart("param", named),
      validatePart("json", unsilenceRequestSchema),
      async (c) => c.json(await view.alerts.unsilence(c.req.valid("param").name, c.req.valid("json"))),
    )
    .post(
      "/alerts/:name/ack",
      describeRoute({
        summary: "Acknowledge what fires",
        description: "No further notice is sent until it resolves. Without `key`, every state that fires.",
        responses: describeResponses("How many states were acknowledged", alertChangedSchema, 404, 415),
      }),
      validatePart("param", named),
      validatePart("json", ackRequestSchema),
      async (c) => c.json(await view.alerts.ack(c.req.valid("param").name, c.req.valid("json"))),
    );
}
