/** Routes of senses. */
import { Hono } from "hono";
import { describeRoute } from "hono-openapi";
import * as z from "zod";
import {
  resetSchema,
  sensesSchema,
  senseViewSchema,
  type TriggerReply,
  triggerReplySchema,
  triggerRequestSchema,
} from "../../protocol/api.ts";
import { unknownSense } from "../../protocol/common_errors.ts";
import { nameSchema } from "../../protocol/signal.ts";
import type { ControlEnv, KernelPort } from "../kernel_port.ts";
import { allowNoBody, describeResponses, refuseBody, validatePart } from "../problem_response.ts";
import { flagSchema } from "./query.ts";

export const namedSense = z.object({ name: nameSchema.meta({ description: "The sense" }) });

// Hono derives its typed client from the inferred return type, which cannot be written out.
export function senseRoutes(view: KernelPort) {
  return new Hono<ControlEnv>()
    .get(
      "/senses",
      describeRoute({ summary: "All senses", responses: describeResponses("Every sense, by name", sensesSchema) }),
      (c) => c.json({ items: view.senses() }),
    )
    .get(
      "/senses/:name",
      describeRoute({ summary: "One sense", responses: describeResponses("The sense", senseViewSchema, 404) }),
      validatePart("param", namedSense),
      (c) => {
        const { name } = c.req.valid("param");
        return c.json(view.sense(name) ?? throwUnknownSense(name, view));
      },
    )
    .post(
      "/senses/:name/trigger",
      describeRoute({
        summary: "Queue a compute",
        description: "With wait=1, answers when the compute has ended, with its outcome, or when the daemon stops. " +
          "With signals, the sense computes as if it had heard them.",
        responses: describeResponses("How the trigger was accepted", triggerReplySchema, 404, 415),
      }),
      allowNoBody,
      validatePart("param", namedSense),
      validatePart("query", z.object({ wait: flagSchema.meta({ description: "1: wait for the outcome" }) })),
      validatePart("json", triggerRequestSchema),
      async (c) => {
        const { name } = c.req.valid("param");
        const { signals } = c.req.valid("json");
        const { outcome, recorded, ...accepted } = view.triggerSense(name, signals) ?? throwUnknownSense(name, view);
        const awaited = c.req.valid("query").wait ? await waitUnlessStopping(outcome(), c.env.stopping) : null;
        // The client may look for the trigger in the log as soon as it has the answer.
        await recorded();
        const reply: TriggerReply = { ...accepted, outcome: awaited };
        return c.json(reply);
      },
    )
    .post(
      "/senses/:name/reset",
      describeRoute({
        summary: "Lift the quarantine of its group",
        responses: describeResponses("Whether there was one", resetSchema, 404, 415),
      }),
      refuseBody,
      validatePart("param", namedSense),
      (c) => {
        const { name } = c.req.valid("param");
        return c.json({ lifted: view.resetSense(name) ?? throwUnknownSense(name, view) });
      },
    );
}

/** Null when the API stops first. */
async function waitUnlessStopping<T>(outcome: Promise<T>, stopping: AbortSignal): Promise<T | null> {
  const { promise: stopped, resolve } = Promise.withResolvers<null>(), stop = () => resolve(null);
  stopping.addEventListener("abort", stop, { once: true });
  try {
    return stopping.aborted ? null : await Promise.race([outcome, stopped]);
  } finally {
    stopping.removeEventListener("abort", stop);
  }
}

export function throwUnknownSense(name: string, view: KernelPort): never {
  throw unknownSense(name, view.senses().map((sense) => sense.name));
}
