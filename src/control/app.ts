/**
 * The control API as a Hono app: every route, none of the socket. Tests call it with `app.request()`, `unix_server.ts` serves
 * it, `client.ts` is typed by it.
 * I1. Every error is a problem document. I2. No body is read past its limit. I3. Nothing here blocks or polls.
 */
import { Hono } from "hono";
import { describeRoute, generateSpecs } from "hono-openapi";
import { bodyLimit } from "hono/body-limit";
import * as z from "zod";
import { NerveError } from "../base/errors.ts";
import { requestBodyMaxBytes } from "../base/limits.ts";
import type { ControlEnv, KernelPort } from "./kernel_port.ts";
import { createProblemResponse, describeResponses, respondToError } from "./problem_response.ts";
import { eventRoutes } from "./routes/events.ts";
import { kernelRoutes } from "./routes/kernel.ts";
import { runRoutes } from "./routes/runs.ts";
import { senseRoutes } from "./routes/senses.ts";
import { storeRoutes } from "./routes/store.ts";

export interface AppOptions {
  readonly version: string;
  /** Begins an orderly stop of the daemon, this API included, and returns at once. */
  readonly stop: () => void;
  /** Gets every error that is a bug of ours. */
  readonly report: (thrown: unknown) => void;
}

/** What `hc` is typed with. */
export type ControlApp = ReturnType<typeof createApp>;

// Hono's typed client is made of the inferred type; it cannot be written out.
export function createApp(view: KernelPort, options: AppOptions) {
  const app = new Hono<ControlEnv>()
    .use(bodyLimit({ maxSize: requestBodyMaxBytes, onError: bodyTooLarge }))
    .route("/v1", kernelRoutes(view, options.stop))
    .route("/v1", senseRoutes(view))
    .route("/v1", runRoutes(view))
    .route("/v1", storeRoutes(view))
    .route("/v1", eventRoutes(view));
  app.get(
    "/v1/openapi.json",
    describeRoute({
      summary: "This document",
      responses: describeResponses("OpenAPI 3.1", z.record(z.string(), z.unknown())),
    }),
    async (c) => c.json(await generateSpecs(app, openApi(options.version))),
  );
  app.notFound((c) =>
    createProblemResponse(
      404,
      new NerveError("USAGE", `There is no ${c.req.method} ${c.req.path}`, { hint: "See /v1/openapi.json" }),
    )
  );
  app.onError((thrown) => respondToError(thrown, clientGone(thrown) ? () => {} : options.report));
  return app;
}

/** It broke off while it sent its body (http_server.ts): no bug, and nobody reads the answer. */
function clientGone(thrown: unknown): boolean {
  return thrown instanceof DOMException && thrown.name === "AbortError";
}

function bodyTooLarge(): Response {
  const error = new NerveError("PAYLOAD_INVALID", `The request body is over ${requestBodyMaxBytes} bytes`, {
    hint: "Put what is large into a file, and its path into the payload",
  });
  return createProblemResponse(413, error);
}

function openApi(version: string): Parameters<typeof generateSpecs>[1] {
  return {
    // Each route describes its own problems.
    defaultValidationErrorResponse: false,
    // The document's own path looks like a file's.
    excludeStaticFile: false,
    documentation: {
      info: { title: "nerve control API", version, description: "Served on the workspace's Unix socket." },
    },
  };
}
