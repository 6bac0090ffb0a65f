/**
 * Records which keys the query of each route may have, and refuses others: a request with a misspelt key must not act
 * as if the key were missing, such as a resume without acceptCode. problem_response.ts records the keys, app.ts checks
 * them before any route acts.
 */
import type { MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import type * as z from "zod";
import { findNearest } from "../base/did_you_mean.ts";
import { NerveError } from "../base/errors.ts";

/** The keys, by the handler that validates the query of a route. */
const keysOf = new WeakMap<object, readonly string[]>();

export function noteQueryKeys(validator: object, schema: z.ZodType): void {
  const shape: unknown = Reflect.get(schema, "shape");
  if (typeof shape !== "object" || shape === null) throw new Error("nerve bug: a query is not described as an object");
  keysOf.set(validator, Object.keys(shape));
}

/** A path without a route is left to the app's answer for such paths. */
export const refuseUnknownQuery: MiddlewareHandler = async (c, next) => {
  const given = Object.keys(c.req.query());
  if (given.length === 0) return await next();
  const routes = matchedRoutes(c).filter(({ method }) => method !== "ALL");
  const known = routes.flatMap(({ handler }) => keysOf.get(handler) ?? []);
  const unknown = routes.length === 0 ? undefined : given.find((key) => !known.includes(key));
  if (unknown === undefined) return await next();
  const near = findNearest(unknown, known);
  const list = known.length === 0 ? "it takes no query" : `it takes ${known.join(", ")}`;
  throw new NerveError("USAGE", `${c.req.method} ${c.req.path} knows no "${unknown.slice(0, 100)}" in its query`, {
    hint: near === null ? list : `did you mean ${near}?`,
  });
};
