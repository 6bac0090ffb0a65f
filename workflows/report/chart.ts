/** Draws a series as SVG, with d3's scales and lines. Used by index.ts. Pure: the same series gives the same text. */
import { scaleLinear, scaleUtc } from "d3-scale";
import { line } from "d3-shape";
import { formatSize } from "nerve";
import type { Series } from "./select.ts";

/** The part of d3's scales that is used; the packages have no types of their own. */
interface Scale<Value> {
  (value: Value): number;
  ticks(count: number): Value[];
  nice(): Scale<Value>;
}
type Point = readonly [at: number, value: number];

const width = 720, height = 220, left = 76, right = 16, top = 34, bottom = 30;

/** `timezone`: the time zone of the labels below the chart. */
export function drawChart(
  series: Series,
  span: { readonly sinceMs: number; readonly untilMs: number },
  timezone: string,
): string {
  const { name, points, least, most, unit } = series;
  const values = points.map(([, value]) => value), low = Math.min(...values), high = Math.max(...values);
  const margin = low === high ? Math.abs(low) * 0.1 || 1 : 0;
  // Local times as if they were UTC, so that d3 puts its ticks at full hours of that zone, not of this machine's.
  const shift = (at: number) => at + offsetMs(at, timezone);
  const x: Scale<Date> = scaleUtc([new Date(shift(span.sinceMs)), new Date(shift(span.untilMs))], [
    left,
    width - right,
  ]);
  const y: Scale<number> = scaleLinear([low - margin, high + margin], [height - bottom, top]).nice();
  const path: string = line((each: Point) => x(new Date(shift(each[0]))), (each: Point) => y(each[1]))(points) ?? "";
  const rows = y.ticks(4).map((value) => {
    const at = round(y(value));
    return `<line x1="${left}" x2="${width - right}" y1="${at}" y2="${at}" stroke="#ddd"/>` +
      `<text x="${left - 8}" y="${at + 4}" text-anchor="end">${escape(formatValue(value, unit))}</text>`;
  });
  const columns = x.ticks(6).map((value) => {
    const at = round(x(value)), end = height - bottom;
    return `<line x1="${at}" x2="${at}" y1="${end}" y2="${end + 5}" stroke="#888"/>` +
      `<text x="${at}" y="${height - 10}" text-anchor="middle">${formatMark(value, span)}</text>`;
  });
  const title = `${name}: ${formatValue(least, unit)} to ${formatValue(most, unit)}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img"`,
    ` font-family="sans-serif" font-size="11" fill="#333"><title>${escape(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="${left}" y="18" font-size="13">${escape(name)}</text>`,
    ...rows,
    ...columns,
    // A single point has no line.
    points.length === 1 && points[0] !== undefined
      ? `<circle cx="${round(x(new Date(shift(points[0][0]))))}" cy="${round(y(points[0][1]))}" r="3" fill="#1f6feb"/>`
      : `<path d="${
        path.replaceAll(/\d+\.\d+/g, (number) => String(round(Number(number))))
      }" fill="none" stroke="#1f6feb" stroke-width="1.5"/>`,
    "</svg>\n",
  ].join("");
}

function round(number: number): number {
  return Math.round(number * 10) / 10;
}

/** How far the zone is ahead of UTC. Throws a RangeError for a zone that does not exist. */
export function offsetMs(at: number, timezone: string): number {
  const options = { timeZone: timezone, dateStyle: "short", timeStyle: "medium" } as const;
  const local = new Intl.DateTimeFormat("sv-SE", options).format(at);
  return Date.parse(`${local.replace(" ", "T")}Z`) - Math.floor(at / 1_000) * 1_000;
}

/** Formats a time that has been shifted. */
function formatMark(time: Date, { sinceMs, untilMs }: { readonly sinceMs: number; readonly untilMs: number }): string {
  const text = time.toISOString(), dayMs = 86_400_000;
  if (untilMs - sinceMs > 3 * dayMs) return text.slice(5, 10);
  return text.slice(11, 16);
}

export function formatValue(value: number, unit: string): string {
  if (unit === "bytes" && Number.isFinite(value) && value >= 0) return formatSize(Math.round(value));
  const digits = Math.abs(value) >= 1_000 ? 0 : Math.abs(value) >= 10 ? 1 : 3;
  return `${Number(value.toFixed(digits))}${unit === "" ? "" : ` ${unit}`}`;
}

/** Escapes text and attributes of XML. */
function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
