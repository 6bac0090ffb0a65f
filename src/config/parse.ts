/**
 * nerve.yaml as a configuration, or everything that is wrong with it. Used by the kernel, its reload, and the command
 * line; pure: it reads no file (load.ts does).
 * I1. It never throws, whatever the text.
 * I2. All problems are reported at once. When a value is wrong, the checks between entries still run over the rest of
 *     the file, but only those that the wrong value cannot mislead.
 */
import { configFileMaxBytes } from "../base/limits.ts";
import { err, ok, type Result } from "../base/result.ts";
import { version as ownVersion } from "../base/version.ts";
import { byteLength, isPlainObject } from "../protocol/json.ts";
import type { Place } from "../protocol/signal.ts";
import { buildConfig } from "./build.ts";
import { checkConfig, checkCounts, checkReferences } from "./check.ts";
import { readDocument } from "./document.ts";
import { configPath, explainIssue, valueAt } from "./issues.ts";
import { type ConfigPath, pathText, type Problem, quote } from "./problem.ts";
import { ProblemList } from "./problem_list.ts";
import { fileSchema } from "./schema.ts";
import type { NerveConfig } from "./types.ts";
import { inRange } from "./version_range.ts";

export interface ParsedConfig {
  readonly config: NerveConfig;
  readonly warnings: readonly Problem[];
  /** The file holds no value at all: it has no bytes, or only comments. `{}` is a value. */
  readonly blank: boolean;
  /** Where in the file the key or item at `path` stands, or the nearest thing above it. */
  readonly placeOf: (path: ConfigPath) => Place;
}

/**
 * `file` is the name that problems show. The error holds the warnings as well. `version` is that of this nerve, which
 * the file may limit.
 */
export function parseNerveConfig(
  text: string,
  file: string = "nerve.yaml",
  version: string = ownVersion,
): Result<ParsedConfig, Problem[]> {
  if (text.length > configFileMaxBytes || byteLength(text) > configFileMaxBytes) {
    const place = { file, line: 1, column: 1 };
    const message = `is larger than ${configFileMaxBytes} bytes`;
    return err([{ severity: "error", path: "", message, hint: null, place }]);
  }
  const document = readDocument(text, file);
  if (!document.readable) return err([...document.problems]);
  const problems = new ProblemList(document.placeOf);
  for (const problem of document.problems) problems.add(problem);
  const input = document.value ?? {};
  // A file for another nerve is not judged by the rules of this one: what they would find may be right over there.
  if (isForOther(input, version, problems)) return err(problems.sorted());
  const omit = refuseWorkflowReflexes(input, problems);
  const parsed = fileSchema.safeParse(withoutReflexes(input, omit));
  if (parsed.success) {
    const { config, reflexPositions } = buildConfig(parsed.data, problems, omit);
    if (checkCounts(config, problems)) checkConfig(config, reflexPositions, problems);
    const found = problems.sorted();
    const blank = document.value === null, { placeOf } = document;
    return problems.hasErrors ? err(found) : ok({ config, warnings: found, blank, placeOf });
  }
  const issues = parsed.error.issues.flatMap((issue) => explainIssue(issue, input));
  for (const { path, message, hint } of issues) problems.error(path, message, hint);
  checkRest(input, omit, parsed.error.issues.map((issue) => issuePaths(issue)).flat(), document.placeOf, problems);
  return err(problems.sorted());
}

/** Whether `nerve: ">=0.1"` leaves this version out; says so, or that it is no range. */
function isForOther(input: unknown, version: string, problems: ProblemList): boolean {
  const range = valueAt(input, ["nerve"]);
  if (typeof range !== "string") return false;
  const fits = inRange(version, range);
  if (fits === null) {
    problems.error(["nerve"], `${quote(range)} is not a range of versions`, 'write ">=0.1", "^0.1" or "0.1.2"');
  } else if (!fits) {
    const hint = "install one that fits: nerve upgrade --from FILE";
    problems.error(["nerve"], `this workspace is for nerve ${range}, and this is nerve ${version}`, hint);
  }
  return fits === false;
}

/** A reflex that names a workflow gets this one message, and none about its other keys. Returns their positions. */
function refuseWorkflowReflexes(input: unknown, problems: ProblemList): Set<number> {
  const refused = new Set<number>();
  const reflexes = valueAt(input, ["reflexes"]);
  if (!Array.isArray(reflexes)) return refused;
  reflexes.forEach((reflex: unknown, index) => {
    if (!isPlainObject(reflex) || !(Object.hasOwn(reflex, "workflow") || reflex["kind"] === "workflow")) return;
    refused.add(index);
    const key = Object.hasOwn(reflex, "workflow") ? "workflow" : "kind";
    problems.error(
      ["reflexes", index, key],
      "a reflex schedules senses, it cannot start a workflow",
      'return a workflow directive from a sense instead: { workflow: "name|10|prompt" }',
    );
  });
  return refused;
}

/** The same input with the reflexes at those positions replaced by ones that the schema takes. */
function withoutReflexes(input: unknown, omit: ReadonlySet<number>): unknown {
  const reflexes = valueAt(input, ["reflexes"]);
  if (omit.size === 0 || !isPlainObject(input) || !Array.isArray(reflexes)) return input;
  return { ...input, reflexes: reflexes.map((reflex, index) => omit.has(index) ? { sense: "" } : reflex) };
}

/** Where the values are that have to go before the rest can be parsed. */
function issuePaths(issue: { code: string; path: PropertyKey[]; keys?: string[] }): (string | number)[][] {
  const path = configPath(issue.path);
  if (issue.code === "unrecognized_keys") return (issue.keys ?? []).map((key) => [...path, key]);
  // A key of an entry goes as a whole: none but `sense` of a reflex has to be there.
  return [path.slice(0, isSetting(path[0]) ? 1 : 3)];
}

function isSetting(key: string | number | undefined): boolean {
  return key === "max_rounds" || key === "retention" || key === "nerve";
}

/** Checks what is left when everything that the schema refused is taken out. */
function checkRest(
  input: unknown,
  refused: ReadonlySet<number>,
  wrong: readonly (readonly (string | number)[])[],
  placeOf: (path: ConfigPath) => Place,
  problems: ProblemList,
): void {
  // A whole section that is wrong or misspelt says nothing about the names in it.
  if (wrong.some((path) => path.length < 2 && !isSetting(path[0]))) return;
  const omit = new Set(refused);
  // Two aliases of one value are one object here: through JSON each becomes its own.
  const rest: unknown = JSON.parse(JSON.stringify(withoutReflexes(input, omit)));
  for (const path of wrong) {
    if (path[0] === "reflexes" && (path.length === 2 || path[2] === "sense")) omit.add(Number(path[1]));
    else removeAt(rest, path);
  }
  const parsed = fileSchema.safeParse(withoutReflexes(rest, omit));
  if (!parsed.success) return;
  const found = new ProblemList(placeOf);
  const { config, reflexPositions } = buildConfig(parsed.data, found, omit);
  if (checkCounts(config, found)) checkReferences(config, reflexPositions, found);
  const wrongPaths = wrong.map(pathText);
  // What was taken out of a reflex may be the very thing that is now missing in it.
  const misled = ({ path }: Problem) => {
    return path.startsWith("reflexes") && wrongPaths.some((taken) => taken === path || taken.startsWith(`${path}.`));
  };
  for (const problem of found.sorted()) if (!misled(problem)) problems.add(problem);
}

function removeAt(root: unknown, path: ConfigPath): void {
  const holder = valueAt(root, path.slice(0, -1));
  const key = path.at(-1);
  if (key === undefined || typeof holder !== "object" || holder === null) return;
  if (path.length === 2 && !Array.isArray(holder)) Object.assign(holder, { [key]: null });
  else Reflect.deleteProperty(holder, key);
}
