/** Reads durations that the author of a workflow wrote. Pure; used where roles are read. */
import { parseDuration } from "../base/duration.ts";
import { err, ok, type Result } from "../base/result.ts";

/** A duration, written as text or as a number, in whole milliseconds. */
export function readSpan(key: string, value: unknown, leastMs: number, mostMs: number): Result<number, string> {
  const invalid = (why: string) => err(`has a ${key} that ${why}`);
  if (typeof value === "string") {
    const parsed = parseDuration(value);
    return parsed.ok ? readSpan(key, parsed.value, leastMs, mostMs) : err(`has an invalid ${key}: ${parsed.error}`);
  }
  if (typeof value !== "number" || !Number.isInteger(value)) {
    return invalid('is neither text such as "30s" nor a whole number of milliseconds');
  }
  if (value < leastMs || value > mostMs) return invalid(`is not between ${leastMs} and ${mostMs} ms`);
  return ok(value);
}
