/** Converts kernel events to lines of the text log. Pure; used by kernel_process.ts. */
import { formatDuration } from "../base/duration.ts";
import { unreachable } from "../base/errors.ts";
import type { LogLine } from "../base/log_line.ts";
import type { KernelEvent, UnitChange } from "../protocol/event.ts";

const levelOfChange: Readonly<Record<UnitChange, LogLine["level"]>> = {
  ready: "debug",
  ended: "debug",
  reset: "info",
  died: "warn",
  quarantined: "error",
};

/** `now`: the time of events that have no timestamp. */
export function toLogLine(event: KernelEvent, now: number): LogLine {
  switch (event.kind) {
    case "signal": {
      const { sense, payload, ts, id } = event.signal;
      const message = `${id} ${JSON.stringify(payload)}`;
      return { ts, level: "info", source: `sense:${sense}`, event: "signal", message };
    }
    case "run":
      return toRunLine(event, now);
    case "unit": {
      const { unit, change, message, ts } = event;
      return { ts, level: levelOfChange[change], source: unit, event: `process.${change}`, message };
    }
    case "problem":
      return { ts: event.ts, level: "warn", source: event.source, event: "problem", message: event.message };
    case "log":
      return { ts: event.ts, level: event.level, source: event.source, event: "log", message: event.message };
    default:
      return unreachable(event);
  }
}

function toRunLine({ run, tookMs }: Extract<KernelEvent, { kind: "run" }>, ts: number): LogLine {
  const { workflow, runId, status, attempt, rounds, exitCode, reason } = run;
  const parts = [runId];
  if (attempt > 1) parts.push(`attempt ${attempt}`);
  if (tookMs !== null) {
    parts.push(`${rounds} rounds`, `took ${formatDuration(tookMs)}`);
  }
  if (exitCode !== null && exitCode !== 0) parts.push(`exit ${exitCode}`);
  if (reason !== null) parts.push(reason);
  const unsuccessful = status === "failed" || status === "crashed" || status === "dropped";
  const level = unsuccessful ? "warn" : "info";
  return { ts, level, source: `workflow:${workflow}`, event: `run.${status}`, message: parts.join(", ") };
}
