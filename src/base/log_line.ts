/**
 * Lines of the daemon's text log: one line per entry, always the same keys in the same order, so that both `grep` and a
 * program can read it. Pure; daemon/text_log.ts writes the file.
 *
 *     ts=2026-01-31T12:03:10.123Z level=warn source=sense:disk-usage event=problem message="threw: no df"
 */
import { logLineMaxBytes } from "./limits.ts";
import { toPrintable } from "./printable.ts";

export type LogLineLevel = "debug" | "info" | "warn" | "error";

export interface LogLine {
  /** Milliseconds since the epoch. */
  readonly ts: number;
  readonly level: LogLineLevel;
  /** The subject: `daemon`, `kernel`, or as in the log: `group:NAME`, `sense:NAME`, `workflow:NAME`. */
  readonly source: string;
  /** What happened, as one fixed word: `signal`, `run.completed`, `kernel.died`. */
  readonly event: string;
  readonly message: string;
}

/** The line without a line break, at most `maxBytes` long: the message is cut to fit. */
export function formatLogLine(line: LogLine, maxBytes: number = logLineMaxBytes): string {
  const { ts, level, source, event, message } = line;
  const head = `ts=${new Date(ts).toISOString()} level=${level} source=${toWord(source)} event=${
    toWord(event)
  } message=`;
  return head + quote(cutMessage(message, maxBytes - byteLength(head)));
}

/** The start of the message whose JSON fits into about `maxBytes`, with three dots at its end when it was cut. */
export function cutMessage(message: string, maxBytes: number): string {
  if (message.length < maxBytes && byteLength(quote(message)) <= maxBytes) return message;
  const mark = "...";
  // JSON writes a character as up to six bytes, so shorten step by step until it fits.
  let kept = trimHalfPair(message.slice(0, maxBytes));
  while (kept !== "" && byteLength(quote(kept + mark)) > maxBytes) {
    kept = trimHalfPair(kept.slice(0, Math.floor(kept.length * 0.9)));
  }
  return kept + mark;
}

const linePattern = /^ts=(\S+) level=(debug|info|warn|error) source=(\S+) event=(\S+) message=(".*")$/;

/** Null when nerve did not write the line; a process may have printed it as it crashed. */
export function parseLogLine(text: string): LogLine | null {
  const [, time = "", level, source = "", event = "", quoted = ""] = linePattern.exec(text) ?? [];
  const ts = Date.parse(time);
  if (level === undefined || Number.isNaN(ts)) return null;
  try {
    return { ts, level: level as LogLineLevel, source, event, message: String(JSON.parse(quoted)) };
  } catch {
    // The text only resembles a log line: its quotes do not match.
    return null;
  }
}

/** The text as JSON, with terminal control characters escaped: `tail -f` prints the file as it is. */
function quote(text: string): string {
  return toPrintable(JSON.stringify(text.toWellFormed()));
}

/** The text without half a surrogate pair at its end. */
function trimHalfPair(text: string): string {
  return /[\ud800-\udbff]$/.test(text) ? text.slice(0, -1) : text;
}

/** An unquoted value must not look like two values. */
function toWord(text: string): string {
  return toPrintable(text.replaceAll(/[\s"=]/g, "_")) || "_";
}

const encoder = new TextEncoder();

function byteLength(text: string): number {
  return encoder.encode(text).length;
}
