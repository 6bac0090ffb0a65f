/** Times, spans, sizes and numbers as the dashboard shows them. Pure. */

const units = [["d", 86_400_000], ["h", 3_600_000], ["min", 60_000], ["s", 1_000]] as const;

/** `3 d 4 h`, `12 min`, `4.2 s`, `120 ms`: two units at most. */
export function formatSpan(ms: number): string {
  const span = Math.max(0, ms);
  if (span < 1_000) return `${Math.round(span)} ms`;
  if (span < 10_000) return `${Number((span / 1_000).toFixed(1))} s`;
  const at = units.findIndex(([, size]) => span >= size), [unit, size] = units[at] ?? units[3];
  const count = Math.floor(span / size), next = units[at + 1];
  if (next === undefined) return `${count} ${unit}`;
  const rest = Math.floor((span - count * size) / next[1]);
  return rest === 0 || unit === "min" ? `${count} ${unit}` : `${count} ${unit} ${rest} ${next[0]}`;
}

/** `now`, `4 s`, `12 min`, `3 h`, `5 d`: one unit, for lists. */
export function formatAge(ms: number): string {
  const span = Math.max(0, ms);
  if (span < 1_000) return "now";
  const [unit, size] = units.find(([, each]) => span >= each) ?? units[3];
  return `${Math.floor(span / size)} ${unit}`;
}

const pad = (value: number, length = 2) => String(value).padStart(length, "0");

/** `14:03:07`, in the reader's time. */
export function formatClock(ms: number): string {
  const time = new Date(ms);
  return `${pad(time.getHours())}:${pad(time.getMinutes())}:${pad(time.getSeconds())}`;
}

/** `2026-11-30 14:03:07`, in the reader's time. */
export function formatDateTime(ms: number): string {
  const time = new Date(ms);
  return `${time.getFullYear()}-${pad(time.getMonth() + 1)}-${pad(time.getDate())} ${formatClock(ms)}`;
}

/** Shows the times in a text of the daemon in the reader's time. */
export function showTimes(text: string): string {
  return text.replaceAll(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, (time) => formatDateTime(Date.parse(time)));
}

export function formatBytes(bytes: number): string {
  const names = ["B", "KiB", "MiB", "GiB", "TiB"];
  let at = 0, value = bytes;
  while (value >= 1_000 && at < names.length - 1) [value, at] = [value / 1_024, at + 1];
  return `${value >= 100 || at === 0 ? Math.round(value) : value.toFixed(1)} ${names[at]}`;
}

const grouped = new Intl.NumberFormat("en-US");

export function formatCount(count: number): string {
  return grouped.format(count);
}

/** A number with four significant digits, with K, M, G for large ones. */
export function formatFigure(value: number): string {
  const names = ["", "K", "M", "G", "T", "P"];
  let at = 0, scaled = value;
  while (Math.abs(scaled) >= 10_000 && at < names.length - 1) [scaled, at] = [scaled / 1_000, at + 1];
  return `${Number(scaled.toPrecision(4))}${names[at]}`;
}

export function plural(count: number, one: string, many: string = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** A value on one line. */
export function preview(value: unknown, max = 160): string {
  const text = typeof value === "string" ? value : JSON.stringify(value) ?? "";
  const line = text.replaceAll(/\s+/g, " ");
  return line.length > max ? `${line.slice(0, max - 1)}…` : line;
}

/** The name in a source such as `sense:cpu-usage`. */
export function nameOfSource(source: string): string {
  return source.slice(source.indexOf(":") + 1);
}

/** Characters that change how others are shown: they reverse a text's direction, or control a terminal. */
const hidden = /[\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** Shows these characters of a JSON text by their numbers: a person who decides has to see what is there. */
export function showHidden(json: string): string {
  return json.replace(hidden, (character) => `\\\\u{${character.codePointAt(0)?.toString(16)}}`);
}
