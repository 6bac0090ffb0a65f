/**
 * Problems of a workspace, as values. The checks of nerve.yaml and the module loading create them; `nerve validate`,
 * `nerve run` and the reload print them. A message may quote the user's text: the formatters make it safe for a
 * terminal and for GitHub's annotation syntax.
 */
import { toPrintable } from "../base/printable.ts";
import type { Place } from "../protocol/signal.ts";

export interface Diagnostic {
  readonly severity: "error" | "warning";
  /** The key: `senses.cpu.throttle`, `reflexes[2].on[0]`, or empty for the whole file. */
  readonly path: string;
  readonly message: string;
  /** What to do about it. */
  readonly hint: string | null;
  /** The place in a file; null when the diagnostic is not in a file. */
  readonly place: Place | null;
  /**
   * An error in what was found on disk, where a program may have put it: it holds its sense or workflow, nothing else.
   */
  readonly holds?: true;
}

export const problemFormats = ["text", "json", "github"] as const;
export type DiagnosticFormat = (typeof problemFormats)[number];

/** The path to a value in nerve.yaml: keys of mappings and indexes of lists. */
export type ConfigPath = readonly (string | number)[];

/** `["reflexes", 2, "on", 0]` as `reflexes[2].on[0]`. */
export function formatConfigPath(path: ConfigPath): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else text += (text === "" ? "" : ".") + clipText(step);
  }
  return text;
}

/** Quotes a user's text for a message, and cuts it when it is long. */
export function quote(text: string): string {
  return `"${clipText(text)}"`;
}

export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some((diagnostic) => diagnostic.severity === "error");
}

/** Whether one of the diagnostics keeps the file from being used. */
export function refusesFile(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some(({ severity, holds }) => severity === "error" && holds !== true);
}

/** Sorts by place; diagnostics without a place come last. */
export function sortDiagnostics(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return diagnostics.toSorted((a, b) => {
    if (a.place === null || b.place === null) return Number(a.place === null) - Number(b.place === null);
    const byFile = a.place.file < b.place.file ? -1 : a.place.file > b.place.file ? 1 : 0;
    return byFile || a.place.line - b.place.line || a.place.column - b.place.column;
  });
}

/**
 * `text`: one line per diagnostic, and a second one with its hint. `json`: one document `{errors, warnings, problems}`,
 * where the first two are counts, with the fields of `more`. `github`: one annotation line per diagnostic. The result
 * does not end with a line break; `text` and `github` are empty without diagnostics.
 */
export function formatProblems(
  diagnostics: readonly Diagnostic[],
  format: DiagnosticFormat,
  more: object = {},
): string {
  if (format === "json") {
    const errors = diagnostics.filter((diagnostic) => diagnostic.severity === "error").length;
    return JSON.stringify({ errors, warnings: diagnostics.length - errors, problems: diagnostics, ...more }, null, 2);
  }
  return diagnostics.map(format === "text" ? formatText : formatAnnotation).join("\n");
}

function formatText(diagnostic: Diagnostic): string {
  const { place, severity, path, message, hint } = diagnostic;
  const where = place === null ? "" : `${place.file}:${place.line}:${place.column} `;
  const about = path === "" ? "" : `${path}: `;
  const line = toPrintable(`${where}${severity} ${about}${message}`);
  return hint === null ? line : `${line}\n  ${toPrintable(hint)}`;
}

function formatAnnotation(diagnostic: Diagnostic): string {
  const { place, severity, path, message, hint } = diagnostic;
  const properties = place === null ? "" : ` file=${escapeProperty(place.file)},line=${place.line},col=${place.column}`;
  const text = (path === "" ? "" : `${path}: `) + message + (hint === null ? "" : ` (${hint})`);
  return `::${severity}${properties}::${escapeData(text)}`;
}

/** GitHub reads `%0A` as a line break inside an annotation; a real one would end the annotation. */
function escapeData(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}

export function clipText(text: string): string {
  return text.length <= quotedMaxChars ? text : `${text.slice(0, quotedMaxChars)}...`;
}

const quotedMaxChars = 80;
