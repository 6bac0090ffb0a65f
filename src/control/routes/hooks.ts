/** Routes of hooks. Deliveries come in on the listener (listener_app.ts). */
import { Hono } from "hono";
import { describeRoute } from "hono-openapi";
import { hooksSchema } from "../../protocol/hook.ts";
import type { ControlEnv, KernelPort } from "../kernel_port.ts";
import { describeResponses } from "../problem_response.ts";

// Hono derives its typed client from the inferred return type, which cannot be written out.
export function hookRoutes(view: KernelPort) {
  return new Hono<ControlEnv>().get(
    "/hooks",
    describeRoute({
      summary: "The listener and all hooks",
      description: "Deliveries do not come in here, but at `POST /hooks/NAME` on the listener.",
      responses: describeResponses("Every hook, in the order of nerve.yaml", hooksSchema),
    }),
    (c) => c.json(view.hooks.list()),
  );
}
