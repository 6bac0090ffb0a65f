/**
 * JSON values as types, and the one way to turn a stranger's value into JSON text. Loaded in every sandbox, so it stays
 * free of zod; its schemas are in json_schema.ts.
 */
import { messageOf } from "../base/errors.ts";
import { jsonDepthMax } from "../base/limits.ts";
import { err, ok, type Result } from "../base/result.ts";

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
  if (nestsTooDeep(text)) return err(`is nested deeper than ${jsonDepthMax} levels`);
  return ok(text);
}

const quote = 34, backslash = 92, openList = 91, closeList = 93, openObject = 123, closeObject = 125;

/**
 * Whether JSON text nests deeper than `levels`. Told from the text: to parse a megabyte of brackets takes 34 ms, to walk
 * what comes of it 40 more, this 3. Of text that is no JSON it tells nothing.
 */
export function nestsTooDeep(text: string, levels: number = jsonDepthMax): boolean {
  // Each level takes at least its two brackets.
  if (text.length <= 2 * levels) return false;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at);
    if (character === quote) {
      at = findStringEnd(text, at);
      if (at < 0) return false;
    } else if (character === openList || character === openObject) {
      if (++depth > levels) return true;
    } else if (character === closeList || character === closeObject) depth--;
  }
  return false;
}

/** Where the string that begins at `from` ends; -1: nowhere. */
function findStringEnd(text: string, from: number): number {
  for (let end = text.indexOf('"', from + 1);; end = text.indexOf('"', end + 1)) {
    let before = end - 1;
    while (before > from && text.charCodeAt(before) === backslash) before--;
    if (end < 0 || (end - before) % 2 === 1) return end;
  }
}
