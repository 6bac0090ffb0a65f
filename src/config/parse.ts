/**
 * Parses nerve.yaml into a configuration, or into all of its diagnostics. Used by load.ts, the reload and the command
 * line; pure: load.ts reads the file.
 * I1. It never throws, for any text.
 * I2. It reports all diagnostics at once. When a value is invalid, all other checks still run over the rest of the
 *     file. Diagnostics that may result from the invalid value are ignored (error_recovery.ts).
 */
import { configFileMaxBytes } from "../base/limits.ts";
import { err, ok, type Result } from "../base/result.ts";
import { version as ownVersion } from "../base/version.ts";
import { byteLength, isPlainObject } from "../protocol/json.ts";
import { buildConfig } from "./build.ts";
import { checkConfig, checkCounts } from "./check.ts";
import { checkAgents } from "./check_agents.ts";
import { checkAlerts } from "./check_alerts.ts";
import { checkHooks } from "./check_hooks.ts";
import { type Diagnostic, quote } from "./diagnostic.ts";
import { DiagnosticList, type PlaceOf } from "./diagnostic_list.ts";
import { dropInvalid } from "./error_recovery.ts";
import { findValueAt } from "./schema_issues.ts";
import type { NerveConfig } from "./types.ts";
import { satisfiesRange } from "./version_range.ts";
import { readDocument } from "./yaml/document.ts";

export interface ParsedConfig {
  readonly config: NerveConfig;
  readonly warnings: readonly Diagnostic[];
  /** The position in nerve.yaml of each reflex of `config`. */
  readonly reflexPositions: readonly number[];
  /** The file has no value: it is empty, or has only comments. `{}` is a value. */
  readonly blank: boolean;
  /** The place of the key or item at `path`, or of its nearest parent in the file. */
  readonly placeOf: PlaceOf;
}

/** The result of reading a text, for checks that continue after parsing found errors. */
export interface ReadConfig {
  /** Sorted by place. */
  readonly diagnostics: readonly Diagnostic[];
  readonly hasErrors: boolean;
  /** With errors, the valid part; null when there is none. */
  readonly parsed: ParsedConfig | null;
  /** Whether a diagnostic that another check finds in `parsed` may result from a dropped value. */
  readonly misleads: (diagnostic: Diagnostic) => boolean;
}

/**
 * `file`: the name that diagnostics show. The error includes the warnings. `version`: the version of this nerve, which
 * the file may restrict.
 */
export function parseNerveConfig(text: string, file?: string, version?: string): Result<ParsedConfig, Diagnostic[]> {
  const { diagnostics, hasErrors, parsed } = readNerveConfig(text, file, version);
  return hasErrors || parsed === null ? err([...diagnostics]) : ok(parsed);
}

/** Like `parseNerveConfig`, but also returns the valid part of an invalid text. */
export function readNerveConfig(
  text: string,
  file: string = "nerve.yaml",
  version: string = ownVersion,
): ReadConfig {
  const unreadable = (diagnostics: readonly Diagnostic[]): ReadConfig => ({
    diagnostics,
    hasErrors: true,
    parsed: null,
    misleads: () => true,
  });
  if (text.length > configFileMaxBytes || byteLength(text) > configFileMaxBytes) {
    const place = { file, line: 1, column: 1 };
    const message = `is larger than ${configFileMaxBytes} bytes`;
    return unreadable([{ severity: "error", path: "", message, hint: null, place }]);
  }
  const document = readDocument(text, file);
  if (!document.readable) return unreadable(document.diagnostics);
  const diagnostics = new DiagnosticList(document.placeOf);
  for (const diagnostic of document.diagnostics) diagnostics.add(diagnostic);
  const input = document.value ?? {};
  // The rules of this version do not apply to a file for another version.
  if (excludesVersion(input, version, diagnostics)) return unreadable(diagnostics.sorted());
  const omit = refuseWorkflowReflexes(input, diagnostics);
  const rest = dropInvalid(input, omit, document.placeOf, diagnostics);
  if (rest === null) return unreadable(diagnostics.sorted());
  const { misleads, placeOf } = rest, found = new DiagnosticList(placeOf);
  const { config, reflexPositions } = buildConfig(rest.file, found, rest.omit);
  if (checkCounts(config, found)) {
    checkConfig(config, reflexPositions, found, rest.uncertainties);
    checkAlerts(config, found, rest.uncertainties);
    checkHooks(config, reflexPositions, found);
    if (!rest.uncertainties.agents) checkAgents(config, found);
  }
  diagnostics.addAll(found, misleads);
  const warnings = diagnostics.sorted(), { hasErrors } = diagnostics, blank = document.value === null;
  return { diagnostics: warnings, hasErrors, parsed: { config, reflexPositions, warnings, blank, placeOf }, misleads };
}

/** Whether `nerve: ">=0.1"` excludes this version. Reports that, or an invalid range. */
function excludesVersion(input: unknown, version: string, diagnostics: DiagnosticList): boolean {
  const range = findValueAt(input, ["nerve"]);
  if (typeof range !== "string") return false;
  const fits = satisfiesRange(version, range);
  if (fits === null) {
    diagnostics.error(["nerve"], `${quote(range)} is not a version range`, 'write ">=0.1", "^0.1" or "0.1.2"');
  } else if (!fits) {
    const hint = "install a matching one: nerve upgrade --from FILE";
    diagnostics.error(["nerve"], `this workspace needs nerve ${range}, but this is nerve ${version}`, hint);
  }
  return fits === false;
}

/** Refuses reflexes that name a workflow: each gets only this diagnostic. Returns the positions of these reflexes. */
function refuseWorkflowReflexes(input: unknown, diagnostics: DiagnosticList): Set<number> {
  const refused = new Set<number>();
  const reflexes = findValueAt(input, ["reflexes"]);
  if (!Array.isArray(reflexes)) return refused;
  reflexes.forEach((reflex: unknown, index) => {
    if (!isPlainObject(reflex) || !(Object.hasOwn(reflex, "workflow") || reflex["kind"] === "workflow")) return;
    refused.add(index);
    const key = Object.hasOwn(reflex, "workflow") ? "workflow" : "kind";
    diagnostics.error(
      ["reflexes", index, key],
      "a reflex schedules senses; it cannot start a workflow",
      "return a workflow directive from a sense instead: { workflow: { name, prompt, maxRounds } }",
    );
  });
  return refused;
}
