/** Formats kernel events for the terminal of `nerve run`, one line each. Pure; used by cli/commands/run.ts. */
import { formatDuration } from "../../base/duration.ts";
import { unreachable } from "../../base/errors.ts";
import type { KernelEvent } from "../../protocol/event.ts";
import { clip, plural, preview, runSign, sign, toOneLine, toReasonText } from "./terminal.ts";

const textMaxChars = 300;
const payloadMaxChars = 160;

/** The line without its time. Null for debug messages, and for processes that start or end normally. */
export function formatEvent(event: KernelEvent): string | null {
  switch (event.kind) {
    case "signal":
      return `${sign.signal} ${event.signal.sense} ${preview(event.signal.payload, payloadMaxChars)}`;
    case "run":
      return formatRun(event);
    case "unit":
      if (event.change === "ready" || event.change === "ended") return null;
      return `${event.change === "reset" ? sign.live : sign.died} ${event.unit} ${clip(event.message, textMaxChars)}`;
    case "problem":
      return `${sign.warning} ${event.source} ${clip(event.message, textMaxChars)}`;
    case "log": {
      if (event.level === "debug") return null;
      const level = event.level === "info" ? sign.log : sign.warning;
      return `${level} ${event.source} ${toOneLine(event.message, textMaxChars)}`;
    }
    default:
      return unreachable(event);
  }
}

function formatRun({ run, tookMs }: Extract<KernelEvent, { kind: "run" }>): string {
  const parts = [runSign[run.status], run.workflow, run.runId, run.status];
  if (run.status === "started" && run.attempt > 1) parts.push(`(attempt ${run.attempt})`);
  if (tookMs !== null) parts.push(`after ${plural(run.rounds, "round")}, ${formatDuration(tookMs)}`);
  if (run.exitCode !== null && run.exitCode !== 0) parts.push(`(exit ${run.exitCode})`);
  const why = run.reason !== null
    ? toReasonText(run)
    : (run.rounds === 0 && run.status === "started" ? run.prompt : "");
  return why === "" ? parts.join(" ") : `${parts.join(" ")}: ${clip(why, textMaxChars)}`;
}

/** Counts signals, runs and problems for the summary at the end. */
export class Tally {
  readonly #runs = new Map<string, string>();
  #signals = 0;
  #problems = 0;

  count(event: KernelEvent): void {
    if (event.kind === "signal") this.#signals++;
    else if (event.kind === "run") this.#runs.set(event.run.runId, event.run.status);
    else if (event.kind === "problem" || (event.kind === "unit" && /^(died|quarantined)$/.test(event.change))) {
      this.#problems++;
    }
  }

  toString(): string {
    const statuses = new Map<string, number>();
    for (const status of this.#runs.values()) statuses.set(status, (statuses.get(status) ?? 0) + 1);
    const runs = [...statuses].map(([status, count]) => `${count} ${status}`).join(", ");
    return `${plural(this.#signals, "signal")}, ${plural(this.#runs.size, "run")}${runs === "" ? "" : ` (${runs})`}, ` +
      plural(this.#problems, "problem");
  }
}
