/**
 * The control API as a Hono app: all routes, without the socket. Tests call it with `app.request()`, unix_server.ts
 * serves it, and client/client.ts derives its types from it.
 * I1. Every error is a problem document.
 * I2. No body is read past its limit.
 * I3. Nothing here blocks or polls.
 */
import { Hono, type MiddlewareHandler } from "hono";
import { describeRoute, generateSpecs } from "hono-openapi";
import { bodyLimit } from "hono/body-limit";
import * as z from "zod";
import { NerveError } from "../base/errors.ts";
import { requestBodyMaxBytes } from "../base/limits.ts";
import { findLostNumber } from "../protocol/json.ts";
import type { ControlEnv, KernelPort } from "./kernel_port.ts";
import { createMalformedError, createProblemResponse, describeResponses, respondToError } from "./problem_response.ts";
import { accessRoutes } from "./routes/access.ts";
import { refuseUnknownQuery } from "./query_keys.ts";
import { approvalRoutes } from "./routes/approvals.ts";
import { alertRoutes } from "./routes/alerts.ts";
import { dashboardRoutes } from "./routes/dashboard.ts";
import { eventRoutes } from "./routes/events.ts";
import { engineRoutes } from "./routes/engines.ts";
import { hookRoutes } from "./routes/hooks.ts";
import { kernelRoutes } from "./routes/kernel.ts";
import { metricsRoutes } from "./routes/metrics.ts";
import { runRoutes } from "./routes/runs.ts";
import { pauseRoutes } from "./routes/pauses.ts";
import { senseRoutes } from "./routes/senses.ts";
import { sessionRoutes } from "./routes/sessions.ts";
import { storeRoutes } from "./routes/store.ts";

export interface AppOptions {
  readonly version: string;
  /** Begins an orderly stop of the daemon, including this API, and returns at once. */
  readonly stop: () => void;
  /** Called with every error that is a bug in nerve. */
  readonly report: (thrown: unknown) => void;
}

/** The type from which `hc` derives the client. */
export type ControlApp = ReturnType<typeof createApp>;

// Hono derives its typed client from the inferred return type, which cannot be written out.
export function createApp(view: KernelPort, options: AppOptions) {
  const app = new Hono<ControlEnv>()
    .use(bodyLimit({ maxSize: requestBodyMaxBytes, onError: respondTooLarge }))
    .use(requireJsonBody)
    .use(refuseUnknownQuery)
    .route("/v1", kernelRoutes(view, options.stop))
    .route("/v1", metricsRoutes(view))
    .route("/v1", senseRoutes(view))
    .route("/v1", pauseRoutes(view))
    .route("/v1", runRoutes(view))
    .route("/v1", approvalRoutes(view))
    .route("/v1", sessionRoutes(view))
    .route("/v1", alertRoutes(view))
    .route("/v1", hookRoutes(view))
    .route("/v1", accessRoutes(view))
    .route("/v1", dashboardRoutes(view))
    .route("/v1", engineRoutes(view))
    .route("/v1", storeRoutes(view))
    .route("/v1", eventRoutes(view));
  app.get(
    "/v1/openapi.json",
    describeRoute({
      summary: "This document",
      responses: describeResponses("OpenAPI 3.1", z.record(z.string(), z.unknown())),
    }),
    async (c) => c.json(await generateSpecs(app, createOpenApiOptions(options.version))),
  );
  app.notFound((c) => {
    const { method, path } = c.req;
    const error = new NerveError("USAGE", `there is no ${method} ${path}`, { hint: "see /v1/openapi.json" });
    const allowed = ["GET", "POST"].filter((other) =>
      app.router.match(other, path)[0].some(([[, route]]) => route.method === other)
    );
    return allowed.length === 0
      ? createProblemResponse(404, error)
      : createProblemResponse(405, error, { allow: allowed.join(", ") });
  });
  app.onError((thrown) => respondToError(thrown, isClientGone(thrown) ? () => {} : options.report));
  return app;
}

/**
 * Whether the client disconnected while it sent its body (http_server.ts). That is not a bug, and no one reads the
 * answer.
 */
function isClientGone(thrown: unknown): boolean {
  return thrown instanceof DOMException && thrown.name === "AbortError";
}

function respondTooLarge(): Response {
  const error = new NerveError("PAYLOAD_INVALID", `the request body is larger than ${requestBodyMaxBytes} bytes`, {
    hint: "put large data into a file, and its path into the payload",
  });
  return createProblemResponse(413, error);
}

const jsonType = /^application\/json\s*(;|$)/i;

/** A body is read or refused, never ignored: hono's validators treat any other type as a body without fields. */
const requireJsonBody: MiddlewareHandler<ControlEnv> = async (c, next) => {
  // An empty body in chunks counts as no body.
  if (c.req.raw.body === null || await c.req.text() === "") return await next();
  if (!jsonType.test(c.req.header("content-type") ?? "")) {
    const error = new NerveError("USAGE", "the request has a body, and its content-type is not application/json", {
      hint: "send the header content-type: application/json, or no body",
    });
    return createProblemResponse(415, error);
  }
  let lost: string | null;
  try {
    lost = findLostNumber(await c.req.text());
  } catch (thrown) {
    // RangeError: the body nests too deeply for the parser.
    if (thrown instanceof SyntaxError || thrown instanceof RangeError) throw createMalformedError();
    throw thrown;
  }
  if (lost === null) return await next();
  throw new NerveError("PAYLOAD_INVALID", `the number ${lost.slice(0, 40)} is too large for a double`, {
    hint: "send it as a string",
  });
};

function createOpenApiOptions(version: string): Parameters<typeof generateSpecs>[1] {
  return {
    // Off, because each route describes its own problems.
    defaultValidationErrorResponse: false,
    // Off, because the path of the document itself looks like a file's.
    excludeStaticFile: false,
    documentation: {
      info: { title: "nerve control API", version, description: "Served on the workspace's Unix socket." },
    },
  };
}
