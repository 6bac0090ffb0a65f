/** Lines of the text log: any message becomes one line of bounded length that reads back. */
import assert from "node:assert/strict";
import { cutMessage, formatLogLine, type LogLine, parseLogLine } from "../../../src/base/log_line.ts";
import fc from "../../support/fast_check.ts";

const anyText = fc.string({ unit: "binary", maxLength: 300 });
const anyLine: fc.Arbitrary<LogLine> = fc.record({
  ts: fc.integer({ min: 0, max: 4_000_000_000_000 }),
  level: fc.constantFrom("debug", "info", "warn", "error"),
  source: fc.constantFrom("daemon", "kernel", "sense:disk-usage", "workflow:a"),
  event: fc.constantFrom("signal", "kernel.died", "run.completed"),
  message: anyText,
}, { noNullPrototype: true });

Deno.test("a line reads back as it was written, and is one line", () => {
  fc.assert(fc.property(anyLine, (line) => {
    const text = formatLogLine(line);
    assert.ok(!/[\r\n]/.test(text));
    assert.deepEqual(parseLogLine(text), line);
  }));
});

Deno.test("a line is never longer than its limit, whatever its characters, and reads back with its beginning", () => {
  fc.assert(fc.property(anyLine, fc.integer({ min: 200, max: 600 }), (line, maxBytes) => {
    const message = line.message.repeat(20), text = formatLogLine({ ...line, message }, maxBytes);
    assert.ok(new TextEncoder().encode(text).length <= maxBytes, text);
    const read = parseLogLine(text)?.message ?? assert.fail(text);
    assert.ok(read === message || (read.endsWith("...") && message.startsWith(read.slice(0, -3))));
  }));
});

Deno.test("no source or event name can forge a key of the line", () => {
  const text = formatLogLine({ ts: 0, level: "info", source: 'a b="c', event: "", message: "m" });
  assert.equal(text, 'ts=1970-01-01T00:00:00.000Z level=info source=a_b__c event=_ message="m"');
});

Deno.test("a line that nerve did not write is not read as one", () => {
  for (const text of ["", "Uncaught Error: x", 'ts=now level=info source=a event=b message="c"', 'ts=x message="']) {
    assert.equal(parseLogLine(text), null);
  }
  assert.equal(parseLogLine('ts=2026-01-01T00:00:00.000Z level=info source=a event=b message="a"b"'), null);
});

Deno.test("cutMessage() keeps a message that fits, and most of one that does not", () => {
  assert.equal(cutMessage("short", 100), "short");
  assert.match(cutMessage("x".repeat(5_000), 1_000), /^x{800,995}\.\.\.$/);
});

Deno.test("no character that a terminal obeys stands in a line as it is, and each reads back", () => {
  const message = "\u009b2J \u202egpj.exe \u2066x \u001b[31m \u0085";
  const line = { ts: 0, level: "info", source: "a\u009b", event: "b\u202e", message } as const,
    text = formatLogLine(line);
  // deno-lint-ignore no-control-regex -- control characters are what must not be there
  assert.doesNotMatch(text, /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/);
  assert.equal(parseLogLine(text)?.message, message);
});
