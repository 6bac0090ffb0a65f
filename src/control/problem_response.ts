/**
 * Turns errors into answers (RFC 9457, `application/problem+json`). Used by every route. An error that is not a
 * NerveError is a bug in nerve: the caller gets one line, and `report` logs the rest.
 */
import type { MiddlewareHandler } from "hono";
import { resolver, validator } from "hono-openapi";
import { HTTPException } from "hono/http-exception";
import type * as z from "zod";
import { messageOf, NerveError } from "../base/errors.ts";
import { noteQueryKeys } from "./query_keys.ts";
import { type ProblemDocument, problemSchema, problemStatus } from "../protocol/problem.ts";

const hint = "GET /v1/openapi.json describes every request";
const headers = { "content-type": "application/problem+json" };

/** The answer to anything that was thrown. Calls `report` with unexpected errors. */
export function respondToError(thrown: unknown, report: (thrown: unknown) => void): Response {
  if (thrown instanceof NerveError) return createProblemResponse(problemStatus[thrown.code], thrown);
  if (thrown instanceof HTTPException && thrown.status < 500) {
    // Only the validator of bodies throws this, when a body is not JSON.
    return createProblemResponse(thrown.status, createMalformedError());
  }
  report(thrown);
  return createProblemResponse(500, createInternalError(thrown));
}

function createInternalError(thrown: unknown): NerveError {
  return new NerveError("INTERNAL", `internal error: ${messageOf(thrown)}`, {
    hint: "this is a bug in nerve; the daemon's log has the details",
  });
}

export function createMalformedError(): NerveError {
  return new NerveError("PAYLOAD_INVALID", "the request body is not JSON", { hint });
}

export function createProblemResponse(
  status: number,
  error: NerveError,
  more: Readonly<Record<string, string>> = {},
): Response {
  const body = JSON.stringify(toProblemDocument(error, status));
  return new Response(body, { status, headers: { ...headers, ...more } });
}

/** The problem document of a failed request, such as one of a batch. */
export function toProblemDocument(thrown: unknown, status?: number): ProblemDocument {
  const error = thrown instanceof NerveError ? thrown : createInternalError(thrown);
  return {
    type: `urn:nerve:problem:${error.code.toLowerCase().replaceAll("_", "-")}`,
    title: error.code,
    status: status ?? problemStatus[error.code],
    detail: error.message,
    code: error.code,
    hint: error.hint,
  };
}

/** For a route that takes no body: refuses any body but `{}`, which some HTTP clients always send. */
export const refuseBody: MiddlewareHandler = async (c, next) => {
  const text = c.req.raw.body === null ? "" : await c.req.text();
  if (text.replaceAll(/\s/g, "") === "" || text.replaceAll(/\s/g, "") === "{}") return await next();
  throw new NerveError("PAYLOAD_INVALID", `${c.req.method} ${c.req.path} takes no body`, { hint });
};

/** For a route whose body is optional: an empty body, even with a content-type, counts as `{}`. */
export const allowNoBody: MiddlewareHandler = async (c, next) => {
  // hono caches the promise of a body that was read, though the cache's type has the text itself.
  if ((await c.req.text()).trim() === "") Object.assign(c.req.bodyCache, { text: Promise.resolve("{}") });
  return await next();
};

/** Validates one part of a request. The error names every invalid field. */
// The return type is inferred: hono's typed client learns from it what the route accepts.
export function validatePart<Target extends "json" | "query" | "param", Schema extends z.ZodType>(
  target: Target,
  schema: Schema,
) {
  const validated = validator(target, schema, (result) => {
    if (result.success) return;
    const problems = result.error.map((issue) => {
      const path = (issue.path ?? []).map((part) => String(typeof part === "object" ? part.key : part)).join(".");
      return path === "" ? issue.message : `${path}: ${issue.message}`;
    });
    const what = target === "json" ? "request body" : target === "query" ? "query" : "path";
    throw new NerveError(
      target === "json" ? "PAYLOAD_INVALID" : "USAGE",
      `the ${what} is invalid: ${problems.join("; ")}`,
      {
        hint,
      },
    );
  });
  if (target === "query") noteQueryKeys(validated, schema);
  return validated;
}

/** The `responses` of a route's description: its answer and its possible problems. */
export function describeResponses(description: string, schema: z.ZodType, ...statuses: number[]): Responses {
  return {
    200: { description, content: { "application/json": { schema: resolver(schema) } } },
    ...describeProblems(400, ...statuses),
  };
}

/** The problems alone: those with the given statuses, and those that any route may have. */
export function describeProblems(...statuses: number[]): Responses {
  const content = { "application/problem+json": { schema: resolver(problemSchema) } };
  return Object.fromEntries(
    [...statuses, 500, 503].map((status) => [status, { description: titles[status] ?? "Problem", content }]),
  );
}

type Responses = Record<
  string,
  { description: string; content: Record<string, { schema: ReturnType<typeof resolver> }> }
>;

const titles: Readonly<Record<number, string>> = {
  400: "The request is malformed",
  403: "The decision has no signature of anyone who may decide",
  404: "There is no such sense, workflow, run, request or row",
  405: "The path has no such method; the header allow names those that it has",
  409: "The request conflicts with the current state",
  413: "The body is too large",
  415: "The body is not JSON by its content-type",
  500: "Internal error",
  503: "The kernel is starting or stopping, or too many clients read events",
};
