/**
 * Parses nerve.yaml into a configuration, or into all of its problems. Used by load.ts, the reload and the command
 * line; pure: load.ts reads the file.
 * I1. It never throws, whatever the text.
 * I2. It reports all problems at once. When a value is invalid, all other checks still run over the rest of the file;
 *     problems that may result from the invalid value are ignored (error_recovery.ts).
 */
import { configFileMaxBytes } from "../base/limits.ts";
import { err, ok, type Result } from "../base/result.ts";
import { version as ownVersion } from "../base/version.ts";
import { byteLength, isPlainObject } from "../protocol/json.ts";
import type { Place } from "../protocol/signal.ts";
import { buildConfig } from "./build.ts";
import { checkConfig, checkCounts } from "./check.ts";
import { type ConfigPath, type Problem, quote } from "./diagnostic.ts";
import { ProblemList } from "./diagnostic_list.ts";
import { dropInvalid } from "./error_recovery.ts";
import { findValueAt } from "./schema_issues.ts";
import type { NerveConfig } from "./types.ts";
import { satisfiesRange } from "./version_range.ts";
import { readDocument } from "./yaml/document.ts";

export interface ParsedConfig {
  readonly config: NerveConfig;
  readonly warnings: readonly Problem[];
  /** The file holds no value: it is empty, or has only comments. `{}` is a value. */
  readonly blank: boolean;
  /** The place of the key or item at `path`, or of its nearest parent in the file. */
  readonly placeOf: (path: ConfigPath) => Place;
}

/** The result of reading a text, for checks that continue after parsing found errors. */
export interface ReadConfig {
  /** Sorted by place. */
  readonly problems: readonly Problem[];
  readonly hasErrors: boolean;
  /** With errors, the valid part; null when there is none. */
  readonly parsed: ParsedConfig | null;
  /** Whether a problem that another check finds in `parsed` may result from a dropped value. */
  readonly misleads: (problem: Problem) => boolean;
}

/**
 * `file` is the name that problems show. The error includes the warnings. `version` is that of this nerve, which the
 * file may restrict.
 */
export function parseNerveConfig(text: string, file?: string, version?: string): Result<ParsedConfig, Problem[]> {
  const { problems, hasErrors, parsed } = readNerveConfig(text, file, version);
  return hasErrors || parsed === null ? err([...problems]) : ok(parsed);
}

/** As `parseNerveConfig`, with the valid part of an invalid text. */
export function readNerveConfig(
  text: string,
  file: string = "nerve.yaml",
  version: string = ownVersion,
): ReadConfig {
  const unreadable = (problems: readonly Problem[]): ReadConfig => ({
    problems,
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
  if (!document.readable) return unreadable(document.problems);
  const problems = new ProblemList(document.placeOf);
  for (const problem of document.problems) problems.add(problem);
  const input = document.value ?? {};
  // The rules of this version do not apply to a file for another version.
  if (excludesVersion(input, version, problems)) return unreadable(problems.sorted());
  const omit = refuseWorkflowReflexes(input, problems);
  const rest = dropInvalid(input, omit, document.placeOf, problems);
  if (rest === null) return unreadable(problems.sorted());
  const { misleads, placeOf } = rest, found = new ProblemList(placeOf);
  const { config, reflexPositions } = buildConfig(rest.file, found, rest.omit);
  if (checkCounts(config, found)) checkConfig(config, reflexPositions, found, rest.uncertainties);
  problems.addAll(found, misleads);
  const warnings = problems.sorted(), { hasErrors } = problems, blank = document.value === null;
  return { problems: warnings, hasErrors, parsed: { config, warnings, blank, placeOf }, misleads };
}

/** Whether `nerve: ">=0.1"` excludes this version. Reports that, or an invalid range. */
function excludesVersion(input: unknown, version: string, problems: ProblemList): boolean {
  const range = findValueAt(input, ["nerve"]);
  if (typeof range !== "string") return false;
  const fits = satisfiesRange(version, range);
  if (fits === null) {
    problems.error(["nerve"], `${quote(range)} is not a version range`, 'write ">=0.1", "^0.1" or "0.1.2"');
  } else if (!fits) {
    const hint = "install a matching one: nerve upgrade --from FILE";
    problems.error(["nerve"], `this workspace needs nerve ${range}, but this is nerve ${version}`, hint);
  }
  return fits === false;
}

/** A reflex that names a workflow gets only this problem, none about its other keys. Returns their positions. */
function refuseWorkflowReflexes(input: unknown, problems: ProblemList): Set<number> {
  const refused = new Set<number>();
  const reflexes = findValueAt(input, ["reflexes"]);
  if (!Array.isArray(reflexes)) return refused;
  reflexes.forEach((reflex: unknown, index) => {
    if (!isPlainObject(reflex) || !(Object.hasOwn(reflex, "workflow") || reflex["kind"] === "workflow")) return;
    refused.add(index);
    const key = Object.hasOwn(reflex, "workflow") ? "workflow" : "kind";
    problems.error(
      ["reflexes", index, key],
      "a reflex schedules senses; it cannot start a workflow",
      'return a workflow directive from a sense instead: { workflow: "name|10|prompt" }',
    );
  });
  return refused;
}
