/**
 * What the listener serves, as a Hono app: deliveries of hooks. tcp_server.ts serves it on an address of the loopback.
 * I1. It answers only under names that are its own: a page of another site reaches the address through a name that its
 *     owner points there, or sends requests to it from another origin.
 * I2. No body is read past the limit of its hook, and none before it is known that a sense computes for the hook.
 * I3. Every error is a problem document.
 */
import { type Context, Hono, type MiddlewareHandler } from "hono";
import { NerveError } from "../base/errors.ts";
import { unknownHook } from "../protocol/common_errors.ts";
import type { HookAnswer } from "../protocol/hook.ts";
import type { ControlEnv, HooksPort } from "./kernel_port.ts";
import { createProblemResponse, respondToError } from "./problem_response.ts";

/** What the server passes to every request. */
export interface ListenerEnv {
  readonly Bindings: ControlEnv["Bindings"] & {
    /** Those of the request, by name in lower case: to read them from a Request takes longer than all else of an answer. */
    readonly headers?: Readonly<Record<string, string>>;
  };
}

export interface ListenerAppOptions {
  /** Under which it answers, beside those of the loopback; in lower case. */
  readonly hosts: readonly string[];
  /** Called with every error that is a bug in nerve. */
  readonly report: (thrown: unknown) => void;
}

export function createListenerApp(
  hooks: Pick<HooksPort, "bodyLimitOf" | "onTooLarge" | "receive">,
  options: ListenerAppOptions,
): Hono<ListenerEnv> {
  const app = new Hono<ListenerEnv>().use(checkHost(new Set([...loopbackNames, ...options.hosts])));
  app.post("/hooks/:name", async (c) => {
    const name = c.req.param("name"), limit = hooks.bodyLimitOf(name);
    if (limit === null) return respondUnknown(name);
    const headers = headersOf(c), tooLarge = Number(headers["content-length"] ?? 0) > limit;
    const body = tooLarge ? null : await readBody(c.req.raw.body, limit);
    if (body === null) {
      hooks.onTooLarge(name);
      return respondTooLarge(limit);
    }
    const answer = await hooks.receive(name, { headers, body });
    return answer === null ? respondUnknown(name) : respond(answer);
  });
  app.all("/hooks/:name", (c) => {
    const error = new NerveError("USAGE", `${c.req.path} takes deliveries by POST only`);
    return createProblemResponse(405, error, { allow: "POST" });
  });
  app.notFound((c) => createProblemResponse(404, new NerveError("USAGE", `there is no ${c.req.method} ${c.req.path}`)));
  app.onError((thrown) => {
    // The client disconnected while it sent its body (http_server.ts).
    const isGone = thrown instanceof DOMException && thrown.name === "AbortError";
    return respondToError(thrown, isGone ? () => {} : options.report);
  });
  return app;
}

function respond(answer: HookAnswer): Response {
  switch (answer.kind) {
    case "accepted":
      return Response.json({ id: answer.id }, { status: 202 });
    case "repeated":
      return Response.json({ id: answer.id, repeated: true });
    case "unproven":
      return createProblemResponse(401, new NerveError("HOOK_UNPROVEN", `the delivery was refused: ${answer.why}`));
    case "invalid":
      return createProblemResponse(400, new NerveError("PAYLOAD_INVALID", `the delivery was refused: ${answer.why}`));
    case "limited":
    case "backlogged":
    case "failed": {
      const status = answer.kind === "limited" ? 429 : 503,
        seconds = Math.max(1, Math.ceil(answer.retryAfterMs / 1_000));
      const error = new NerveError("HOOK_BUSY", `the delivery was not taken: ${answer.why}`);
      return createProblemResponse(status, error, { "retry-after": String(seconds) });
    }
  }
}

function respondUnknown(name: string): Response {
  return createProblemResponse(404, unknownHook(name.slice(0, 64)));
}

function respondTooLarge(limit: number): Response {
  const error = new NerveError("PAYLOAD_INVALID", `the body is larger than ${limit} bytes`);
  return createProblemResponse(413, error);
}

/** Null when it is larger. */
async function readBody(body: ReadableStream<Uint8Array> | null, limit: number): Promise<Uint8Array | null> {
  if (body === null) return new Uint8Array();
  const parts: Uint8Array[] = [], reader = body.getReader();
  let bytes = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    bytes += part.value.length;
    if (bytes > limit) {
      await reader.cancel();
      return null;
    }
    parts.push(part.value);
  }
  const [first] = parts;
  if (parts.length === 1 && first !== undefined) return first;
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const loopbackNames = ["localhost", "127.0.0.1", "[::1]"];

function checkHost(names: ReadonlySet<string>): MiddlewareHandler<ListenerEnv> {
  return async (c, next) => {
    const { host = "", origin, "sec-fetch-site": site } = headersOf(c);
    if (!names.has(nameOf(host))) return refuseHost(`under the name ${JSON.stringify(nameOf(host).slice(0, 100))}`);
    const isForeign = origin !== undefined && !names.has(nameOf(origin.replace(/^https?:\/\//, "")));
    if (isForeign || site === "cross-site") return refuseHost("to a page of another origin");
    return await next();
  };
}

function headersOf(c: Context<ListenerEnv>): Readonly<Record<string, string>> {
  // Tests call the app without a server.
  return c.env?.headers ?? Object.fromEntries(c.req.raw.headers);
}

/** Without the port: a proxy has another one. */
function nameOf(host: string): string {
  return host.toLowerCase().replace(/:\d*$/, "");
}

function refuseHost(to: string): Response {
  return createProblemResponse(421, new NerveError("HOST_REFUSED", `the listener does not answer ${to}`));
}
