/** A digest as Markdown. Danger: a sense whose text becomes markup of the digest. */
import assert from "node:assert/strict";
import type { Totals } from "../../../workflows/digest/collect.ts";
import { formatTime, toMarkdown } from "../../../workflows/digest/markdown.ts";

const span = { day: "2026-01-02", sinceMs: Date.UTC(2026, 0, 1), untilMs: Date.UTC(2026, 0, 2), timezone: "UTC" };
const none: Totals = {
  senses: [],
  workflows: [],
  failures: [],
  quarantined: [],
  deaths: 0,
  starts: 0,
  leftOut: 0,
};
const sense = {
  name: "cpu",
  signals: 2,
  runs: 1,
  errors: 0,
  lastAt: span.sinceMs,
  last: '{"used":1}',
  lastError: null,
};

Deno.test("a day without events has totals, but neither problems nor last signals", () => {
  const text = toMarkdown(none, span);
  assert.match(text, /^# Digest of 2026-01-02\n\nFrom 2026-01-01 00:00 to 2026-01-02 00:00 \(UTC\)\./);
  assert.match(text, /0 signals of 0 senses, 0 finished runs/);
  assert.doesNotMatch(text, /## Problems|## Last signals|not listed/);
});

Deno.test("senses and workflows have a row each, with their counts", () => {
  const workflows = [{ name: "tidy", completed: 3, ended: 1, dropped: 2 }];
  const text = toMarkdown({ ...none, senses: [sense], workflows, leftOut: 4 }, span);
  assert.match(text, /^\| cpu \| 2 \| 1 \| 0 \| 2026-01-01 00:00 \|$/m);
  assert.match(text, /^\| tidy \| 3 \| 1 \| 2 \|$/m);
  assert.match(text, /^- \*\*cpu\*\* `\{"used":1\}`$/m);
  assert.match(text, /4 finished runs/);
  assert.match(text, /^4 more senses and workflows are not listed\.$/m);
});

Deno.test("problems come first: quarantines, failed runs, failed computes", () => {
  const failures = [{ workflow: "tidy", runId: "r1", how: "failed", reason: "no space" }];
  const text = toMarkdown({
    ...none,
    quarantined: ["cpu"],
    failures,
    senses: [{ ...sense, errors: 2, lastError: "no df" }],
  }, span);
  const [, problems = ""] = /## Problems\n\n([^]*?)\n\n/.exec(text) ?? [];
  assert.deepEqual(problems.split("\n"), [
    "- **cpu** was quarantined",
    "- run `r1` of **tidy** failed: `no space`",
    "- **cpu** failed 2 times, last: `no df`",
  ]);
});

Deno.test("text from user code stands as code on one line, and cannot end it", () => {
  const text = toMarkdown({ ...none, senses: [{ ...sense, last: "a`b\n# heading\n`" }] }, span);
  assert.match(text, /^- \*\*cpu\*\* `a'b # heading '`$/m);
});

Deno.test("formatTime() knows time zones, and rejects one that does not exist", () => {
  assert.equal(formatTime(Date.UTC(2026, 6, 1, 12), "Europe/Berlin"), "2026-07-01 14:00");
  assert.throws(() => formatTime(0, "Mars/Olympus"), RangeError);
});
