/** Finds which numbers of a sense's database are times. Pure; used by `nerve sense query` and `nerve sense chart`. */
import { isTimeColumn, timeFromMs, timeToMs } from "../../base/time_column.ts";
import { formatDateTime } from "./terminal.ts";

/** The milliseconds of a number of seconds or milliseconds between 2000 and 2100; null for any other value. */
export function toTimeMs(value: unknown): number | null {
  if (typeof value !== "number") return null;
  if (value >= timeFromMs && value < timeToMs) return value;
  return value >= timeFromMs / 1_000 && value < timeToMs / 1_000 ? value * 1_000 : null;
}

/** `2026-01-31 12:03:10+01:00` for a time; null for any other value. */
export function formatTimeValue(column: string, value: unknown): string | null {
  const ms = isTimeColumn(column) ? toTimeMs(value) : null;
  return ms === null ? null : formatDateTime(ms);
}
