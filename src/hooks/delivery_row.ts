/** The row of a delivery: the part of a request that senses get. Pure. */
import { hookHeadersMaxBytes, hookKeyMaxChars } from "../base/hook_limits.ts";
import type { HookDefinition, HookRequest } from "../protocol/hook.ts";
import { toHookSource } from "../protocol/delivery.ts";
import { findLostNumber, type Json, nestsTooDeep, stringifyWellFormed } from "../protocol/json.ts";
import type { NewLogRow } from "../protocol/log.ts";

const jsonType = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i;
/** Headers that prove the sender, or belong to the connection. */
const leftOut =
  /^(authorization|proxy-.*|cookie|host|connection|keep-alive|te|trailer|transfer-encoding|upgrade|content-length|expect|.*-signature(-\d+)?)$/;

/** Null: the body is not text. */
export function toDeliveryRow({ name, proof, dedup }: HookDefinition, request: HookRequest): NewLogRow | null {
  const text = decodeText(request.body), keyHeader = dedup.find((key) => key.kind === "header");
  if (text === null) return null;
  const headers: Record<string, string> = {};
  let left = hookHeadersMaxBytes;
  for (const [header, value] of Object.entries(request.headers)) {
    if (leftOut.test(header) || ("header" in proof && header === proof.header)) continue;
    left -= header.length + value.length;
    if (left >= 0) headers[header] = value;
  }
  const key = keyHeader === undefined ? null : request.headers[keyHeader.name]?.slice(0, hookKeyMaxChars) ?? null;
  const body = toBody(text, request.headers["content-type"] ?? "");
  return {
    source: toHookSource(name),
    type: "hook.delivery",
    refId: name,
    causeId: null,
    payload: { key, headers, body },
  };
}

const decoder = new TextDecoder("utf-8", { fatal: true });

function decodeText(bytes: Uint8Array): string | null {
  try {
    return decoder.decode(bytes);
  } catch (thrown) {
    if (thrown instanceof TypeError) return null;
    throw thrown;
  }
}

/** JSON that parsing would change stays text. */
function toBody(text: string, type: string): Json {
  if (!jsonType.test(type) || nestsTooDeep(text)) return text;
  try {
    if (findLostNumber(text) !== null) return text;
    const value: Json = JSON.parse(text);
    return text.includes("\\u") ? JSON.parse(stringifyWellFormed(value) ?? "null") : value;
  } catch (thrown) {
    if (thrown instanceof SyntaxError || thrown instanceof RangeError) return text;
    throw thrown;
  }
}
