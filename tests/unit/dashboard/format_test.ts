import assert from "node:assert/strict";
import {
  formatAge,
  formatBytes,
  formatDateTime,
  formatFigure,
  formatSpan,
  preview,
  showHidden,
  showTimes,
} from "../../../dashboard/format.ts";

Deno.test("formatSpan() gives at most two units, and no digit that nobody needs", () => {
  const spans = [0, 42, 1_000, 4_250, 59_000, 61_000, 3_600_000, 3_660_000, 90_000_000];
  assert.deepEqual(spans.map(formatSpan), [
    ...["0 ms", "42 ms", "1 s", "4.3 s", "59 s", "1 min", "1 h", "1 h 1 min", "1 d 1 h"],
  ]);
});

Deno.test("formatAge() gives one unit", () => {
  assert.deepEqual([-5, 999, 61_000, 86_400_000 * 3].map(formatAge), ["now", "now", "1 min", "3 d"]);
});

Deno.test("formatBytes() and formatFigure() keep what matters of a number", () => {
  assert.deepEqual([0, 999, 1_536, 5 * 1_024 ** 3].map(formatBytes), ["0 B", "999 B", "1.5 KiB", "5.0 GiB"]);
  assert.deepEqual([0.12345, 12_345, -2_500_000].map(formatFigure), ["0.1235", "12.35K", "-2500K"]);
});

Deno.test("preview() is one line, with an end that shows that there is more", () => {
  assert.equal(preview("a\n  b"), "a b");
  assert.equal(preview({ a: 1 }), '{"a":1}');
  assert.equal(preview("x".repeat(20), 10), `${"x".repeat(9)}…`);
});

Deno.test("showHidden() shows what would turn or hide a text, and leaves all other text alone", () => {
  const shown = (value: unknown) => JSON.parse(showHidden(JSON.stringify(value)));
  assert.deepEqual(shown({ "pay\u202etxt": "a\u2066b\u200bc\u009b" }), {
    "pay\\u{202e}txt": "a\\u{2066}b\\u{200b}c\\u{9b}",
  });
  for (const text of ["grüße\n\tالعربية", "日本語 👍🏽", '"quoted" \\u{202e}']) assert.equal(shown(text), text);
});

Deno.test("showTimes() shows the times of a text as the reader has them", () => {
  const at = Date.UTC(2026, 10, 30, 2, 38, 49);
  const shown = showTimes("role rest sleeps until 2026-11-30T02:38:49.580Z, not 2026-11-30");
  assert.equal(shown, `role rest sleeps until ${formatDateTime(at)}, not 2026-11-30`);
});
