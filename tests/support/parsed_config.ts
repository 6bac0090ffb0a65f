/** The problems of parsing a nerve.yaml, in the forms that tests compare. */
import assert from "node:assert/strict";
import type { Diagnostic } from "../../src/config/diagnostic.ts";
import { formatProblems } from "../../src/config/diagnostic.ts";
import { parseNerveConfig } from "../../src/config/parse.ts";
import type { NerveConfig } from "../../src/config/types.ts";

export function configOf(text: string): NerveConfig {
  const parsed = parseNerveConfig(text);
  assert.ok(parsed.ok, parsed.ok ? "" : formatProblems(parsed.error, "text"));
  return parsed.value.config;
}

export function problemsOf(text: string): readonly Diagnostic[] {
  const parsed = parseNerveConfig(text);
  return parsed.ok ? parsed.value.warnings : parsed.error;
}

/** Severity, path and message of each problem. */
export function problemLinesOf(text: string): string[] {
  return problemsOf(text).map(({ severity, path, message }) => `${severity} ${path}: ${message}`);
}

/** The problems as lines, without their hints. */
export function linesOf(text: string): string[] {
  const parsed = parseNerveConfig(text);
  const problems = parsed.ok ? parsed.value.warnings : parsed.error;
  return problems.map((problem) => formatProblems([{ ...problem, hint: null }], "text"));
}

export function hintOf(text: string, path: string): string | null | undefined {
  const parsed = parseNerveConfig(text);
  return (parsed.ok ? parsed.value.warnings : parsed.error).find((problem) => problem.path === path)?.hint;
}
