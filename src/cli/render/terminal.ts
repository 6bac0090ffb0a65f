/**
 * Formats and prints for the command line: tables, status signs, times, pages, JSON and errors. Plain text, with
 * colours only on a terminal. Used by all commands.
 * I1. Text from user code never reaches a terminal raw: control characters are escaped.
 */
import { messageOf, NerveError } from "../../base/errors.ts";
import { toOsError } from "../../base/os_error.ts";
import { toPrintable } from "../../base/printable.ts";
import type { Json } from "../../protocol/json.ts";
import type { RunStatus } from "../../protocol/run.ts";
import { type CliIo, exit } from "../io.ts";
import type { ErrorOutput } from "./json_schemas.ts";

/** A line begins with one of these. Each is two columns wide. */
export const sign = {
  ok: "✅",
  failed: "❌",
  warning: "🔶",
  signal: "📡",
  log: "📝",
  live: "🟢",
  idle: "⚪",
  broken: "🔴",
  asleep: "💤",
  due: "⏰",
  died: "💥",
  next: "👉",
} as const;

export const runSign: Readonly<Record<RunStatus, string>> = {
  queued: "⏳",
  started: "🔄",
  waiting: "💤",
  paused: "⏸️",
  completed: "✅",
  failed: "❌",
  killed: "🛑",
  crashed: "💥",
  interrupted: "🔌",
  dropped: "🚫",
};

/** The reason for a run's status, for a line that already shows the status: drops the prefix "paused: ". */
export function toReasonText({ reason }: { readonly reason: string | null }): string {
  return reason?.replace(/^paused: /, "") ?? "";
}

/** Like `toPrintable`, but keeps line breaks. */
export function toPrintableLines(text: string): string {
  return text.split(/\r?\n/).map((line) => toPrintable(line.replaceAll("\t", "  "))).join("\n");
}

/** Shortens a text to one printable line of at most `maxChars`. */
export function clip(text: string, maxChars: number): string {
  const line = toPrintable(text.length > maxChars * 4 ? text.slice(0, maxChars * 4) : text);
  const characters = Array.from(line);
  return characters.length <= maxChars ? line : `${characters.slice(0, maxChars - 3).join("")}...`;
}

/** The most characters of a text that are read. */
const oneLineReadMax = 64 * 1024;

/** Joins the lines of a text, and shortens it to `maxChars`. */
export function toOneLine(text: string, maxChars: number): string {
  const lines = text.slice(0, oneLineReadMax).split("\n").map((line) => line.trim());
  return clip(lines.filter((line) => line !== "").join(" | "), maxChars);
}

/** JSON on one line, at most `maxChars` long. */
export function preview(value: Json, maxChars = 100): string {
  return clip(JSON.stringify(value), maxChars);
}

/** `12:03:10+01:00`, in the machine's time zone. */
export function formatClockTime(ms: number): string {
  return formatDateTime(ms).slice(11);
}

/** `2026-01-31 12:03:10+01:00`: in the machine's time zone, with its offset at that time. */
export function formatDateTime(ms: number): string {
  const at = new Date(ms), offset = -at.getTimezoneOffset(), away = Math.abs(offset);
  const two = (part: number) => String(Math.floor(part)).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ` +
    `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}` +
    `${offset < 0 ? "-" : "+"}${two(away / 60)}:${two(away % 60)}`;
}

/** The id and the time of a row, before its text. */
export function formatRowHead(io: CliIo, row: { readonly id: number; readonly ts: number }): string {
  return dim(io, `${String(row.id).padStart(6)} ${formatDateTime(row.ts)}`);
}

/** The distance of `ms` from `now` in its largest unit: `12s ago`, `in 3m`, `now`. */
export function formatDistance(ms: number, now: number): string {
  const seconds = Math.round(Math.abs(ms - now) / 1_000);
  if (seconds === 0) return "now";
  const text = seconds < 60
    ? `${seconds}s`
    : seconds < 3_600
    ? `${Math.floor(seconds / 60)}m`
    : seconds < 86_400
    ? `${Math.floor(seconds / 3_600)}h`
    : `${Math.floor(seconds / 86_400)}d`;
  return ms < now ? `${text} ago` : `in ${text}`;
}

/**
 * When something is due: `in 5m` within the hour, otherwise by the machine's clock: `Mon 09:00` within six days, later
 * with the date. `due` comes from a timer, slightly before or after the intended time: 08:59:59.998 is 09:00.
 */
export function formatNext(due: number, now: number): string {
  const ms = Math.round(due / 1_000) * 1_000;
  if (ms - now < 60 * 60_000) return formatDistance(ms, now);
  const days = (ms - now) / (24 * 60 * 60_000);
  const [date, time] = [formatDateTime(ms).slice(0, 10), formatClockTime(ms).slice(0, 5)];
  return days >= 6 ? `${date} ${time}` : `${weekdays[new Date(ms).getDay()]} ${time}`;
}

const weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"] as const;

/** `1 sense`, `3 senses`. */
export function plural(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

export function print(io: CliIo, line = ""): void {
  io.stdout.write(`${line}\n`);
}

/** Quotes a path, if necessary, as one word of a command that users copy. */
export function quoteForShell(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}

/** Secondary text: grey on a terminal. */
export function dim(io: CliIo, text: string): string {
  return io.colour ? `\x1b[2m${text}\x1b[22m` : text;
}

export function printJson(io: CliIo, value: unknown): void {
  print(io, toPrintableLines(JSON.stringify(value, null, 2)));
}

/**
 * JSON on one line. JSON escapes only some control characters; the escapes added here mean the same to a JSON parser.
 */
export function toJsonLine(value: unknown): string {
  return toPrintable(JSON.stringify(value));
}

/** Columns two spaces apart, each as wide as its widest cell; the last is not padded. Cells must be printable. */
export function printTable(io: CliIo, header: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => measureWidth(row[column] ?? "")))
  );
  const line = (cells: readonly string[]) =>
    cells.map((cell, column) =>
      column === cells.length - 1 ? cell : cell + " ".repeat((widths[column] ?? 0) - measureWidth(cell))
    ).join("  ").trimEnd();
  print(io, dim(io, line(header)));
  for (const row of rows) print(io, line(row));
}

/** Terminal columns of a text. Our signs and most wide scripts take two for each character. */
function measureWidth(text: string): number {
  let width = 0;
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    const wide = (point >= 0x1100 && point <= 0x115f) || (point >= 0x2e80 && point <= 0xa4cf) ||
      (point >= 0xac00 && point <= 0xd7a3) || (point >= 0xf900 && point <= 0xfaff) ||
      (point >= 0xff00 && point <= 0xff60) || point >= 0x1f300 || [0x23f3, 0x2705, 0x274c, 0x26aa].includes(point);
    width += wide ? 2 : 1;
  }
  return width;
}

/** Printed below a list: which part of it was shown, and the command that shows the next part. */
export function printPage(
  io: CliIo,
  page: { offset: number; shown: number; total: number; what: string; next: string },
): void {
  const { offset, shown, total, what, next } = page;
  if (total === 0) return print(io, dim(io, `no ${what}`));
  const range = shown === 0 ? "none" : `${offset + 1}-${offset + shown}`;
  print(io, dim(io, `${range} of ${total} ${what}`));
  if (offset + shown < total && shown > 0) print(io, dim(io, `next: ${next}`));
}

/**
 * Prints what failed and how to fix it, as two lines or as one line of JSON (`errorOutput` of json_schemas.ts). With
 * NERVE_DEBUG=1 the stack follows. Returns the exit code.
 */
export function printError(io: CliIo, thrown: unknown, json = false): number {
  const { code, message, hint } = toErrorFields(thrown);
  if (json) io.stderr.write(`${toJsonLine({ error: { code, message, hint } } satisfies ErrorOutput)}\n`);
  else {
    io.stderr.write(`${sign.failed} ${toPrintable(message)}\n`);
    if (hint !== null) io.stderr.write(`   ${toPrintable(hint)}\n`);
  }
  if (io.env["NERVE_DEBUG"] === "1" && thrown instanceof Error) {
    for (let error: unknown = thrown; error instanceof Error; error = error.cause) {
      io.stderr.write(`${toPrintableLines(error.stack ?? error.message)}\n`);
    }
  }
  return toExitCode(thrown);
}

function toErrorFields(thrown: unknown): ErrorOutput["error"] {
  if (thrown instanceof NerveError) return { code: thrown.code, message: messageOf(thrown), hint: thrown.hint };
  const osError = toOsError(thrown);
  if (osError !== null) return { code: "STORE_FAILED", ...osError };
  const hint = "this is a bug in nerve; NERVE_DEBUG=1 shows where it comes from";
  return { code: "INTERNAL", message: messageOf(thrown), hint };
}

/** The exit code of a command that failed with this error. */
export function toExitCode(thrown: unknown): number {
  if (!(thrown instanceof NerveError)) return exit.failed;
  if (thrown.code === "DAEMON_MISSING") return exit.noDaemon;
  return thrown.code === "USAGE" || thrown.code === "NAME_INVALID" ? exit.usage : exit.failed;
}
