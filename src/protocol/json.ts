/**
 * JSON values as types, and the one way to turn a stranger's value into JSON text. Loaded in every sandbox, so it stays
 * free of zod; its schemas are in json_schema.ts.
 */
import { err, ok, type Result } from "../base/result.ts";
import { messageOf } from "../base/errors.ts";
import { jsonDepthMax } from "../base/limits.ts";

export type Json = null | boolean | number | string | Json[] | JsonObject;
export type JsonObject = { [key: string]: Json };

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const encoder = new TextEncoder();

/** Length in UTF-8 bytes. */
export function byteLength(text: string): number {
  // Every UTF-16 unit is at least one byte and at most three: most texts need no encoding to be judged.
  return encoder.encode(text).length;
}

/**
 * JSON text of `value`, or a sentence that says why there is none: a function, a symbol, a BigInt, a cycle, a getter
 * that throws, more than `maxBytes`, more than `jsonDepthMax` levels. Call it where the value lives: it runs the
 * value's getters and `toJSON`.
 */
export function toJsonText(value: unknown, maxBytes: number): Result<string, string> {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (thrown) {
    return err(`is not JSON: ${messageOf(thrown)}`);
  }
  if (text === undefined) return err(`is not JSON: ${typeof value}`);
  const bytes = text.length > maxBytes ? text.length : byteLength(text);
  if (bytes > maxBytes) return err(`is larger than ${maxBytes} bytes of JSON`);
  // Each level takes at least its two brackets.
  if (text.length > 2 * jsonDepthMax && nestsTooDeep(JSON.parse(text))) {
    return err(`is nested deeper than ${jsonDepthMax} levels`);
  }
  return ok(text);
}

/** Whether a value that came out of JSON.parse nests deeper than `jsonDepthMax` levels. */
export function nestsTooDeep(value: unknown, levels: number = jsonDepthMax): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => nestsTooDeep(inner, levels - 1));
}
