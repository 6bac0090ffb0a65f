import assert from "node:assert/strict";
import { type Diagnostic, formatConfigPath, formatProblems, sortDiagnostics } from "../../../src/config/diagnostic.ts";
import fc from "../../support/fast_check.ts";

const place = { file: "nerve.yaml", line: 12, column: 5 };
const error: Diagnostic = {
  severity: "error",
  path: "senses.cpu.throttle",
  message: "must be a duration",
  hint: "write 10s",
  place,
};
const warning: Diagnostic = { severity: "warning", path: "", message: "nothing to do", hint: null, place: null };

Deno.test("a problem as text is place, severity, path and message, with the hint below", () => {
  const text = formatProblems([error, warning], "text");
  assert.equal(
    text,
    "nerve.yaml:12:5 error senses.cpu.throttle: must be a duration\n  write 10s\nwarning nothing to do",
  );
});

Deno.test("problems as JSON are one document that holds them unchanged, with counts", () => {
  assert.deepEqual(JSON.parse(formatProblems([error, warning], "json")), {
    errors: 1,
    warnings: 1,
    problems: [error, warning],
  });
  assert.deepEqual(JSON.parse(formatProblems([], "json")), { errors: 0, warnings: 0, problems: [] });
});

Deno.test("a problem for GitHub is one annotation line", () => {
  assert.equal(
    formatProblems([error], "github"),
    "::error file=nerve.yaml,line=12,col=5::senses.cpu.throttle: must be a duration (write 10s)",
  );
  assert.equal(formatProblems([warning], "github"), "::warning::nothing to do");
});

Deno.test("no text of a user can end an annotation, start another, or forge its properties", () => {
  const hostile = { ...error, message: "a\n::error::b%0A", place: { ...place, file: "x,line=1::y:\r\n" } };
  const line = formatProblems([hostile], "github");
  assert.equal(line.split("\n").length, 1);
  assert.ok(line.startsWith("::error file=x%2Cline=1%3A%3Ay%3A%0D%0A,line=12,col=5::"));
  assert.ok(line.includes("a%0A::error::b%250A"));
  fc.assert(fc.property(fc.string(), fc.string(), (message, hint) => {
    assert.doesNotMatch(formatProblems([{ ...error, message, hint }], "github"), /[\r\n]/);
  }));
});

Deno.test("no control character of a message reaches the terminal", () => {
  const text = formatProblems([{ ...error, message: "\u001b[2Jgone\u202e\n", hint: "\u0007" }], "text");
  assert.ok(text.includes("\\u001b[2Jgone\\u202e\\u000a"));
  assert.ok(text.endsWith("\n  \\u0007"));
});

Deno.test("problems are in the order of the file, those without a place last", () => {
  const later = { ...error, place: { ...place, line: 20 } };
  const first = { ...error, place: { ...place, column: 1 } };
  assert.deepEqual(sortDiagnostics([warning, later, error, first]), [first, error, later, warning]);
});

Deno.test("a path is written with dots and indexes", () => {
  assert.equal(formatConfigPath(["reflexes", 2, "on", 0]), "reflexes[2].on[0]");
  assert.equal(formatConfigPath([]), "");
  assert.equal(formatConfigPath(["senses", "x".repeat(200)]).length, "senses.".length + 83);
});
