/**
 * `readConfig`: turns the `config` of a sense or workflow into typed settings, key by key, and rejects unknown keys.
 * Authors import it from "nerve"; sense.ts and workflow.ts read the `config` of a definition with it.
 */
import { parseDuration, parseSize } from "../base/duration.ts";
import type { Result } from "../base/result.ts";
import type { Json, JsonObject } from "../protocol/json.ts";

/** Turns one value of `config` (undefined for a missing key) into a setting; throws a TypeError with the reason. */
export type Option<T> = (value: Json | undefined) => T;

/** The settings that `readConfig` returns for `Options`. */
export type Settings<Options> = { readonly [Key in keyof Options]: Options[Key] extends Option<infer T> ? T : never };

/**
 * Reads the settings from `config`. Throws one TypeError that names every invalid and every unknown key.
 * @example
 * ```ts
 * const { path, threshold, keep } = readConfig(config, {
 *   path: option.text("/"),                                // a string; "/" when it is missing
 *   threshold: option.number(null, { min: 0, max: 1 }),    // number | null
 *   keep: option.duration("30d"),                          // milliseconds
 * });
 * ```
 */
export function readConfig<Options extends Record<string, Option<unknown>>>(
  config: JsonObject,
  options: Options,
): Settings<Options> {
  const settings: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [key, read] of Object.entries(options)) {
    try {
      settings[key] = read(Object.hasOwn(config, key) ? config[key] : undefined);
    } catch (thrown) {
      if (!(thrown instanceof TypeError)) throw thrown;
      problems.push(`config.${key} ${thrown.message}`);
    }
  }
  for (const key of Object.keys(config)) {
    if (!Object.hasOwn(options, key)) {
      problems.push(`config.${key} is not known: there are ${Object.keys(options).join(", ")}`);
    }
  }
  if (problems.length > 0) throw new TypeError(problems.join("; "));
  return settings as Settings<Options>;
}

/** Without a fallback the key is required; with the fallback null the setting is `T | null`. */
function withFallback<T, Fallback>(read: (value: Json) => T, fallback: [Fallback?]): Option<T | Fallback> {
  return (value) => {
    if (value !== undefined && value !== null) return read(value);
    if (fallback.length === 0) throw new TypeError("is missing");
    return fallback[0] as Fallback;
  };
}

// Overloads, not type parameters: with a generic call among the options, `defineSense` could not infer their types.
function text(): Option<string>;
function text(fallback: string): Option<string>;
function text(fallback: string | null): Option<string | null>;
function text(...fallback: [(string | null)?]): Option<string | null> {
  return withFallback((value) => {
    if (typeof value !== "string" || value === "") throw new TypeError(`must be text, not ${preview(value)}`);
    return value;
  }, fallback);
}

function number(fallback: number, range?: { min?: number; max?: number }): Option<number>;
function number(fallback: number | null, range?: { min?: number; max?: number }): Option<number | null>;
function number(fallback: number | null, range: { min?: number; max?: number } = {}): Option<number | null> {
  const { min = -Infinity, max = Infinity } = range;
  return withFallback((value) => {
    if (typeof value === "number" && value >= min && value <= max) return value;
    const lower = min === -Infinity ? "" : max === Infinity ? ` of at least ${min}` : ` from ${min}`;
    const upper = max === Infinity ? "" : min === -Infinity ? ` of at most ${max}` : ` to ${max}`;
    throw new TypeError(`must be a number${lower}${upper}, not ${preview(value)}`);
  }, [fallback]);
}

function size(fallback: string): Option<number>;
function size(fallback: string | null): Option<number | null>;
function size(fallback: string | null): Option<number | null> {
  return parseText(parseSize, "a size", fallback);
}

function duration(fallback: string): Option<number>;
function duration(fallback: string | null): Option<number | null>;
function duration(fallback: string | null): Option<number | null> {
  return parseText(parseDuration, "a duration", fallback);
}

function parseText(
  parse: (text: string) => Result<number, string>,
  what: string,
  fallback: string | null,
): Option<number | null> {
  return (value) => {
    if ((value === undefined || value === null) && fallback === null) return null;
    const parsed = parse(typeof value === "string" ? value : value == null ? fallback ?? "" : preview(value));
    if (!parsed.ok) throw new TypeError(`must be ${what}: ${parsed.error}`);
    return parsed.value;
  };
}

/**
 * The kinds of settings for `readConfig`. Each takes a fallback for a missing key; without a fallback the key is
 * required.
 */
export const option = {
  text,
  /** A number within `min` and `max`, both included. */
  number,
  /**
   * A list of up to `max` texts (default: 100); a single text counts as a list of one. Without a fallback the list must
   * not be empty.
   */
  list({ fallback, max = 100 }: { fallback?: readonly string[]; max?: number } = {}): Option<readonly string[]> {
    return withFallback((value) => {
      const list = typeof value === "string" ? [value] : value;
      const texts = Array.isArray(list) ? list.filter((each): each is string => typeof each === "string") : [];
      const isWhole = Array.isArray(list) && texts.length === list.length && !texts.includes("");
      if (!isWhole || texts.length > max) {
        throw new TypeError(`must be a list of up to ${max} texts, not ${preview(value)}`);
      }
      if (texts.length === 0 && fallback === undefined) throw new TypeError("must name at least one");
      return texts;
    }, fallback === undefined ? [] : [fallback]);
  },
  /** A size such as `64KiB`, in bytes. */
  size,
  flag(fallback: boolean): Option<boolean> {
    return withFallback((value) => {
      if (typeof value !== "boolean") throw new TypeError(`must be true or false, not ${preview(value)}`);
      return value;
    }, [fallback]);
  },
  /** A duration such as `1h30m`, in milliseconds. */
  duration,
} as const;

function preview(value: Json): string {
  return JSON.stringify(value).slice(0, 80);
}
