/**
 * Takes deliveries of hooks from requests. Used by listener_app.ts.
 * I1. No body is read past the limit of its hook, and none unless a sense computes for the hook.
 */
import { NerveError } from "../base/errors.ts";
import { unknownHook } from "../protocol/common_errors.ts";
import type { HookAnswer } from "../protocol/hook.ts";
import type { HooksPort } from "./kernel_port.ts";
import type { RequestHeaders } from "./own_names.ts";
import { createProblemResponse } from "./problem_response.ts";

export type HookIntakePort = Pick<HooksPort, "bodyLimitOf" | "onTooLarge" | "receive">;

/** `proven`: the delivery came with a token of scope hook. */
export async function takeDelivery(
  hooks: HookIntakePort,
  name: string,
  headers: RequestHeaders,
  stream: ReadableStream<Uint8Array> | null,
  proven: boolean,
): Promise<Response> {
  const limit = hooks.bodyLimitOf(name);
  if (limit === null) return respondUnknown(name);
  const tooLarge = Number(headers["content-length"] ?? 0) > limit;
  const body = tooLarge ? null : await readBody(stream, limit);
  if (body === null) {
    hooks.onTooLarge(name);
    return respondTooLarge(limit);
  }
  const answer = await hooks.receive(name, { headers, body, ...proven && { proven } });
  return answer === null ? respondUnknown(name) : respond(answer);
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

/** Null when the body is larger than `limit`. */
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
