/** Charts in SVG. */
import assert from "node:assert/strict";
import { drawChart, formatValue, offsetMs } from "../../../workflows/report/chart.ts";
import type { Series } from "../../../workflows/report/select.ts";

const day = 86_400_000, span = { sinceMs: Date.UTC(2026, 0, 5), untilMs: Date.UTC(2026, 0, 6) };

function series(points: readonly (readonly [number, number])[], more: Partial<Series> = {}): Series {
  return { name: "a/b/c", unit: "", rows: points.length, least: 0, most: 1, mean: 0.5, last: 1, points, ...more };
}

Deno.test("drawChart() draws a line within its frame, with marks on both axes, as well-formed XML", () => {
  const points = Array.from({ length: 24 }, (_, hour) => [span.sinceMs + hour * day / 24, Math.sin(hour)] as const);
  const svg = drawChart(series(points, { name: 'a<b>&"c"' }), span, "UTC");
  assert.match(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" .*<\/svg>\n$/s);
  assert.match(svg, /a&lt;b&gt;&amp;&quot;c&quot;/);
  assert.match(svg, />09:00<\/text>/);
  const path = /<path d="M([^"]+)"/.exec(svg)?.[1] ?? "";
  const places = path.split("L").map((place) => place.split(",").map(Number));
  assert.equal(places.length, 24);
  for (const [x = NaN, y = NaN] of places) assert.ok(x >= 76 && x <= 704 && y >= 34 && y <= 190, `${x},${y}`);
  assert.equal(drawChart(series(points), span, "UTC"), drawChart(series(points), span, "UTC"));
});

Deno.test("drawChart() draws one value, and values that never change", () => {
  assert.match(drawChart(series([[span.sinceMs + day / 2, 0]]), span, "UTC"), /<circle cx="390" cy="[\d.]+"/);
  const flat = drawChart(series([[span.sinceMs, 5], [span.untilMs, 5]]), span, "UTC");
  assert.doesNotMatch(flat, /NaN|Infinity/);
});

Deno.test("drawChart() puts its marks at the hours of the time zone", () => {
  const points = [[span.sinceMs, 0], [span.untilMs, 1]] as const;
  // Half past the hour in UTC.
  assert.match(drawChart(series(points), span, "Asia/Kolkata"), />09:00<\/text>/);
  assert.equal(offsetMs(span.sinceMs, "Asia/Kolkata"), 5.5 * 3_600_000);
  assert.equal(offsetMs(span.sinceMs + 123, "Europe/Berlin"), 3_600_000);
  assert.throws(() => offsetMs(0, "Nowhere/Land"), RangeError);
});

Deno.test("formatValue() is short, and has its unit", () => {
  assert.deepEqual([
    formatValue(0.12345, ""),
    formatValue(12.345, "ms"),
    formatValue(12345.6, ""),
    formatValue(-1, "bytes"),
  ], [
    ...["0.123", "12.3 ms", "12346", "-1 bytes"],
  ]);
  assert.equal(formatValue(2_097_152, "bytes"), "2.0 MiB");
});
