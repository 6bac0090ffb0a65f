/** Which numbers of a sense's database are times. Pure; used by `nerve sense query` and `nerve sense chart`. */
import { formatDateTime } from "./terminal.ts";

/** SQLite has no type for times: the name says it, and the value must fit. */
const timeName = /(?:^|_)(?:ts|at|time|timestamp|date|since|until|expires)$|[a-z](?:At|Time|Ts|Since|Until)$/;
const fromMs = Date.UTC(2000, 0, 1), toMs = Date.UTC(2100, 0, 1);

export function isTimeColumn(name: string): boolean {
  return timeName.test(name);
}

/** Milliseconds of a number of seconds or milliseconds between 2000 and 2100; null for any other value. */
export function toTimeMs(value: unknown): number | null {
  if (typeof value !== "number") return null;
  if (value >= fromMs && value < toMs) return value;
  return value >= fromMs / 1_000 && value < toMs / 1_000 ? value * 1_000 : null;
}

/** `2026-01-31 12:03:10+01:00` for a time; null for any other value. */
export function formatTimeValue(column: string, value: unknown): string | null {
  const ms = isTimeColumn(column) ? toTimeMs(value) : null;
  return ms === null ? null : formatDateTime(ms);
}
