/** Reflexes and schedules in words, for views. */
import { formatDuration } from "../base/duration.ts";

/** A reflex as one text, for `SenseView.reflexes`. */
export function formatReflex(reflex: {
  readonly intervalMs: number | null;
  readonly cron: string | null;
  readonly timezone: string | null;
  readonly on: readonly string[];
  readonly hook: string | null;
  readonly watch: readonly string[];
}): string {
  const { intervalMs, cron, timezone, on, watch, hook } = reflex;
  const parts: string[] = [];
  if (intervalMs !== null) parts.push(`every ${formatDuration(intervalMs)}`);
  if (cron !== null) parts.push(`cron ${cron}${timezone === null ? "" : ` (${timezone})`}`);
  if (on.length > 0) parts.push(`on ${on.join(", ")}`);
  if (hook !== null) parts.push(`hook ${hook}`);
  if (watch.length > 0) parts.push(`watching ${watch.join(", ")}`);
  return parts.join(" and ");
}

/** A line of a workflow's schedule as one text, for `WorkflowView.schedule`. */
export function formatSchedule(
  { cron, timezone }: { readonly cron: string; readonly timezone: string | null },
): string {
  return formatReflex({ intervalMs: null, cron, timezone, on: [], watch: [], hook: null });
}
