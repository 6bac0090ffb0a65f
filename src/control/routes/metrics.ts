/** The route of the daemon's own metrics, for Prometheus. */
import { Hono } from "hono";
import { describeRoute } from "hono-openapi";
import { formatMetrics, metricsContentType } from "../../protocol/metrics.ts";
import type { ControlEnv, KernelPort } from "../kernel_port.ts";
import { describeProblems } from "../problem_response.ts";

// Hono derives its typed client from the inferred return type, which cannot be written out.
export function metricsRoutes(view: KernelPort) {
  return new Hono<ControlEnv>().get(
    "/metrics",
    describeRoute({
      summary: "The daemon's figures about itself",
      description: "In the text format of Prometheus, version 0.0.4. Counts begin with the daemon.",
      responses: {
        200: { description: "Metrics", content: { "text/plain": { schema: { type: "string" } } } },
        ...describeProblems(400),
      },
    }),
    async (c) => {
      await view.prepareHealth();
      const text = formatMetrics(view.health(), view.senses(), view.workflows(), view.hooks.list().items);
      return c.text(text, 200, { "content-type": metricsContentType });
    },
  );
}
