/** Durations and sizes as people write them. */
import assert from "node:assert/strict";
import { formatDuration, formatSize, parseDuration, parseSize } from "../../../src/base/duration.ts";
import fc from "../../support/fast_check.ts";

Deno.test("a duration is a number and a unit, or a falling sum of them", () => {
  const known = { "500ms": 500, "5s": 5_000, "10m": 600_000, "1h": 3_600_000, "1d": 86_400_000, "1h30m": 5_400_000 };
  for (const [text, ms] of Object.entries(known)) assert.deepEqual(parseDuration(text), { ok: true, value: ms });
  assert.deepEqual(parseDuration("1d2h3m4s5ms"), { ok: true, value: 93_784_005 });
});

Deno.test("a text that is not a duration is rejected with the text and examples", () => {
  for (const text of ["", "5", "s", "5 s", "-5s", "1.5h", "1m1h", "1s1s", "5S", "5sec", " 5s", "1e3s", "５s"]) {
    const parsed = parseDuration(text);
    assert.equal(parsed.ok, false, text);
    if (!parsed.ok) assert.match(parsed.error, /is not a duration: write 500ms/);
  }
});

Deno.test("a duration that a number cannot hold exactly is rejected", () => {
  const parsed = parseDuration("99999999999999999d");
  assert.deepEqual(parsed, { ok: false, error: 'the duration "99999999999999999d" is too long' });
});

Deno.test("every whole number of milliseconds survives being written and read", () => {
  fc.assert(fc.property(fc.maxSafeNat(), (ms) => {
    assert.deepEqual(parseDuration(formatDuration(ms)), { ok: true, value: ms });
  }));
});

Deno.test("parseDuration() never throws, and what it accepts is written back as the same duration", () => {
  const likely = fc.array(fc.constantFrom("1", "20", "s", "ms", "m", "h", "d", " ", "-", "."), { maxLength: 8 });
  fc.assert(fc.property(fc.oneof(fc.string(), likely.map((parts) => parts.join(""))), (text) => {
    const parsed = parseDuration(text);
    if (parsed.ok) assert.deepEqual(parseDuration(formatDuration(parsed.value)), parsed);
  }));
});

Deno.test("formatDuration() drops fractions and never writes a negative duration", () => {
  assert.equal(formatDuration(0), "0s");
  assert.equal(formatDuration(-3), "0s");
  assert.equal(formatDuration(1_500.9), "1s500ms");
  assert.equal(formatDuration(90_000), "1m30s");
});

Deno.test("a size is a whole number of binary units", () => {
  const known = { "512B": 512, "64KiB": 65_536, "256MiB": 268_435_456, "1GiB": 1_073_741_824 };
  for (const [text, bytes] of Object.entries(known)) assert.deepEqual(parseSize(text), { ok: true, value: bytes });
  for (const text of ["", "64", "64KB", "64kib", "1.5GiB", "-1B", "1 MiB", "1GiB1MiB"]) {
    assert.equal(parseSize(text).ok, false, text);
  }
  assert.deepEqual(parseSize("99999999999999GiB"), { ok: false, error: 'the size "99999999999999GiB" is too large' });
});

Deno.test("formatSize() uses the largest unit that gives at least one", () => {
  assert.equal(formatSize(0), "0 B");
  assert.equal(formatSize(1_023), "1023 B");
  assert.equal(formatSize(1_024), "1.0 KiB");
  assert.equal(formatSize(3_565_158), "3.4 MiB");
  assert.equal(formatSize(5 * 1024 ** 5), "5120.0 TiB");
});
