/**
 * JSON values as types, and the one way to turn a value of user code into JSON text. Every sandbox loads it, so it does
 * not import zod; its schemas are in json_schema.ts.
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
  return encoder.encode(text).length;
}

/**
 * The JSON text of `value`, or why there is none: a function, a symbol, a BigInt, a cycle, a getter that throws, more
 * than `maxBytes`, more than `jsonDepthMax` levels. It runs the value's getters and `toJSON`, so call it in the process
 * that owns the value.
 */
export function toJsonText(value: unknown, maxBytes: number): Result<string, string> {
  let text: string | undefined;
  try {
    text = stringifyWellFormed(value);
  } catch (thrown) {
    return err(`is not JSON: ${messageOf(thrown)}`);
  }
  if (text === undefined) return err(`is not JSON: ${typeof value}`);
  const bytes = text.length > maxBytes ? text.length : byteLength(text);
  if (bytes > maxBytes) return err(`is larger than ${maxBytes} bytes of JSON`);
  if (nestsTooDeep(text)) return err(`is nested deeper than ${jsonDepthMax} levels`);
  return ok(text);
}

/**
 * Like JSON.stringify, with U+FFFD for each half of a surrogate pair: text that was cut inside an emoji would make JSON
 * that other programs refuse.
 */
export function stringifyWellFormed(value: unknown): string | undefined {
  const text = JSON.stringify(value);
  // JSON.stringify writes a half as \ud83d. Text that contains these letters literally only costs the second pass.
  if (text === undefined || !text.includes("\\ud")) return text;
  return JSON.stringify(value, (_, each) => {
    if (typeof each === "string") return each.toWellFormed();
    if (!isPlainObject(each) || Object.keys(each).every((key) => key.isWellFormed())) return each;
    return Object.fromEntries(Object.entries(each).map(([key, of]) => [key.toWellFormed(), of]));
  });
}

/** Matches a number that may be too large for a double, in JSON text or in a string in it. */
const longNumber = /\d{16}|[eE]\+?\d{3}/;

/**
 * The first number in JSON text that a double cannot hold, as written; null when there is none. JSON.parse would
 * silently change it. Rounded fractions do not count. Throws for text that is not JSON.
 */
export function findLostNumber(text: string): string | null {
  if (!longNumber.test(text)) return null;
  let lost: string | null = null;
  const look = (_key: string, value: unknown, { source }: { readonly source?: string }): unknown => {
    if (typeof value !== "number" || source === undefined || lost !== null) return value;
    const isWhole = /^-?\d+$/.test(source);
    if (!Number.isFinite(value) || (isWhole && BigInt(source) !== BigInt(value))) lost = source;
    return value;
  };
  // The source of each number is in the standard (JSON.parse source text access), not yet in TypeScript's types.
  JSON.parse(text, look as (key: string, value: unknown) => unknown);
  return lost;
}

const quote = 34, backslash = 92, openList = 91, closeList = 93, openObject = 123, closeObject = 125;

/**
 * Whether JSON text nests deeper than `levels`. It scans the text: parsing a megabyte of brackets takes 34 ms and
 * walking the result 40 ms more, this 3 ms. The result means nothing for text that is not JSON.
 */
export function nestsTooDeep(text: string, levels: number = jsonDepthMax): boolean {
  // Each level takes at least two brackets.
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

/** The index of the closing quote of the string that starts at `from`; -1 when there is none. */
function findStringEnd(text: string, from: number): number {
  for (let end = text.indexOf('"', from + 1);; end = text.indexOf('"', end + 1)) {
    let before = end - 1;
    while (before > from && text.charCodeAt(before) === backslash) before--;
    if (end < 0 || (end - before) % 2 === 1) return end;
  }
}
