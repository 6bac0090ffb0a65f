/** Durations (`1h30m`) and sizes (`256MiB`) as people write them in nerve.yaml, and back. */
import { err, ok, type Result } from "./result.ts";

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const unitBytes: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };
const durationPart = /(\d+)(ms|s|m|h|d)/y;

/**
 * Milliseconds of `500ms`, `5s`, `10m`, `1h`, `1d`, or of a sum in descending order such as `1h30m`.
 * The error is a sentence without a place: the caller knows where the text came from.
 */
export function parseDuration(text: string): Result<number, string> {
  const wanted = `"${text}" is not a duration: write 500ms, 5s, 10m, 1h, 1d or a sum such as 1h30m`;
  let at = 0, total = 0, previous = Infinity;
  while (at < text.length) {
    durationPart.lastIndex = at;
    const match = durationPart.exec(text);
    const unit = unitMs[match?.[2] ?? ""];
    if (match === null || unit === undefined || unit >= previous) return err(wanted);
    total += Number(match[1]) * unit;
    previous = unit;
    at = durationPart.lastIndex;
  }
  if (at === 0) return err(wanted);
  return Number.isSafeInteger(total) ? ok(total) : err(`the duration "${text}" is too long`);
}

/** The shortest text that `parseDuration` reads back as `ms`; fractions of a millisecond are dropped. */
export function formatDuration(ms: number): string {
  let rest = Math.max(0, Math.trunc(ms));
  if (rest === 0) return "0s";
  let text = "";
  for (const unit of ["d", "h", "m", "s", "ms"] as const) {
    const size = unitMs[unit] ?? 1;
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text;
}

/** Bytes of `64KiB`, `256MiB`, `1GiB` or `512B`. */
export function parseSize(text: string): Result<number, string> {
  const match = /^(\d+)(B|KiB|MiB|GiB)$/.exec(text);
  const unit = unitBytes[match?.[2] ?? ""];
  if (match === null || unit === undefined) return err(`"${text}" is not a size: write 64KiB, 256MiB or 1GiB`);
  const bytes = Number(match[1]) * unit;
  return Number.isSafeInteger(bytes) ? ok(bytes) : err(`the size "${text}" is too large`);
}

/** Bytes for a reader: `12 B`, `3.4 KiB`, `1.0 GiB`. */
export function formatSize(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes, unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return unit === 0 ? `${bytes} B` : `${value.toFixed(1)} ${units[unit]}`;
}
