/**
 * Drops invalid values from nerve.yaml, so that the later checks still run over the rest. Used by parse.ts and load.ts;
 * pure.
 * I1. A dropped value misleads no other check: `Uncertainties` lists what they must not rely on, and `misleads` tells
 *     which of their diagnostics to ignore.
 * I2. A misspelt section counts as the section that was meant, so diagnostics inside it are reported too.
 */
import type * as z from "zod";
import { isPlainObject } from "../protocol/json.ts";
import { namePattern } from "../base/name_pattern.ts";
import { type ConfigPath, type Diagnostic, formatConfigPath } from "./diagnostic.ts";
import { DiagnosticList, type PlaceOf } from "./diagnostic_list.ts";
import { findNearest } from "../base/did_you_mean.ts";
import { standardAgents } from "./agent_entries.ts";
import { fileSchema, type FileShape, listKnownKeys } from "./schema.ts";
import { explainIssue, findValueAt, toConfigPath } from "./schema_issues.ts";
import { groupMembers, type NerveConfig } from "./types.ts";

/** What the checks between entries cannot rely on. */
export interface Uncertainties {
  /** True when the set of senses is unknown. */
  readonly senses: boolean;
  /** True when the set of agents is unknown. */
  readonly agents: boolean;
  /** Entries that lost a value: `senses.cpu`. */
  readonly entries: ReadonlySet<string>;
}

export const noUncertainties: Uncertainties = { senses: false, agents: false, entries: new Set() };

export interface ValidRemainder {
  readonly file: FileShape;
  /** The positions of the reflexes that were dropped. */
  readonly omit: ReadonlySet<number>;
  readonly uncertainties: Uncertainties;
  /** Whether a diagnostic in the rest may result from a dropped value. */
  readonly misleads: (diagnostic: Diagnostic) => boolean;
  /** The place of a path in the file as written. */
  readonly placeOf: PlaceOf;
}

/** Each round drops what the schema rejects; only the next round checks inside a section that was misspelt. */
const roundsMax = 3;

/**
 * Adds what the schema rejects to `diagnostics`. `reported`: the positions of reflexes that already have a diagnostic.
 * Null when nothing is left to check, as when the file is not a mapping.
 */
export function dropInvalid(
  input: unknown,
  reported: ReadonlySet<number>,
  placeOf: PlaceOf,
  diagnostics: DiagnosticList,
): ValidRemainder | null {
  const omit = new Set(reported), invalid: ConfigPath[] = [], written = new Map<string, string>();
  const placeAsWritten: PlaceOf = ([first = "", ...rest], within) =>
    placeOf([written.get(String(first)) ?? first, ...rest], within);
  let rest = input;
  for (let round = 0; round < roundsMax; round++) {
    // Without jitless, zod would generate and compile a parser, which takes longer than this one parse.
    const complete = replaceReflexes(rest, omit), parsed = fileSchema.safeParse(complete, { jitless: true });
    if (parsed.success) return buildRemainder(parsed.data, rest, omit, invalid, placeAsWritten);
    const found = new DiagnosticList(placeAsWritten);
    for (const { path, message, hint } of parsed.error.issues.flatMap((issue) => explainIssue(issue, complete))) {
      found.error(path, message, hint);
    }
    diagnostics.addAll(found);
    // Aliases of one value share an object: the JSON round trip gives each its own.
    rest = JSON.parse(JSON.stringify(rest));
    for (const path of parsed.error.issues.flatMap(findIssuePaths)) {
      if (path.length === 0) return null;
      invalid.push(path);
      if (path[0] === "reflexes" && (path.length === 2 || path[2] === "sense")) omit.add(Number(path[1]));
      else if (path.length === 1) removeSection(rest, String(path[0]), written);
      else removeAt(rest, path);
    }
  }
  return null;
}

function buildRemainder(
  file: FileShape,
  rest: unknown,
  omit: ReadonlySet<number>,
  invalid: readonly ConfigPath[],
  placeOf: PlaceOf,
): ValidRemainder {
  const texts = invalid.map(formatConfigPath),
    entries = new Set(invalid.map((path) => formatConfigPath(path.slice(0, 2))));
  const isLost = (section: string) =>
    invalid.some((path) => path.length === 1) && findValueAt(rest, [section]) === undefined;
  const misleads = ({ path, severity }: Diagnostic) => {
    // A diagnostic of a reflex, a hook or a line of a schedule may result from the value that was dropped from it.
    if (path.startsWith("reflexes") || path.startsWith("hooks.") || path.includes(".schedule[")) {
      return texts.some((taken) => taken === path || taken.startsWith(`${path}.`));
    }
    if (severity === "error" || invalid.length === 0) return false;
    // A warning about a whole entry: nothing uses it, or it gains permissions.
    const [, entry = "", inside = ""] = /^(\w*(?:\.[^.[]+)?)(.*)$/.exec(path) ?? [];
    return inside === "" || entries.has(entry);
  };
  return {
    file,
    omit,
    uncertainties: { senses: isLost("senses"), agents: isLost("agents"), entries },
    misleads,
    placeOf,
  };
}

/** The input with the reflexes at those positions replaced by valid ones. */
function replaceReflexes(input: unknown, omit: ReadonlySet<number>): unknown {
  const reflexes = findValueAt(input, ["reflexes"]);
  if (omit.size === 0 || !isPlainObject(input) || !Array.isArray(reflexes)) return input;
  return { ...input, reflexes: reflexes.map((reflex, index) => omit.has(index) ? { sense: "" } : reflex) };
}

/** The paths of the values to drop before the rest can be parsed. */
function findIssuePaths(issue: z.core.$ZodIssue): ConfigPath[] {
  const path = toConfigPath(issue.path);
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => [...path, key]);
  // Drops the key of an entry, of a line of a schedule, or a single permission: only a reflex's `sense` is required.
  if (path[2] === "schedule" && path.length > 4) return [path.slice(0, 5)];
  return [path.slice(0, path[2] === "permissions" && typeof path[3] === "string" ? 4 : 3)];
}

/** Removes a top-level key. An unknown one may be a misspelling of a missing key: its value then moves there. */
function removeSection(root: unknown, key: string, written: Map<string, string>): void {
  if (!isPlainObject(root)) return;
  const { [key]: value } = root, known = listKnownKeys([]);
  Reflect.deleteProperty(root, key);
  const meant = known.includes(key) ? null : findNearest(key, known.filter((each) => !Object.hasOwn(root, each)));
  if (meant === null) return;
  root[meant] = value;
  written.set(meant, key);
}

function removeAt(root: unknown, path: ConfigPath): void {
  const holder = findValueAt(root, path.slice(0, -1));
  const key = path.at(-1);
  if (key === undefined || typeof holder !== "object" || holder === null) return;
  if (path.length === 2 && !Array.isArray(holder)) Object.assign(holder, { [key]: null });
  else Reflect.deleteProperty(holder, key);
}

/**
 * The configuration without the senses, groups, workflows and agents that have errors. It also omits the other senses
 * in the group of such a sense, which share its process and permissions, and the workflows that may ask such an agent.
 * Null when a whole section has an error, or nothing is left.
 */
export function keepValidEntries(config: NerveConfig, diagnostics: readonly Diagnostic[]): NerveConfig | null {
  const invalid = new Set<string>();
  for (const { severity, path } of diagnostics) {
    if (severity !== "error") continue;
    if (path === "senses" || path === "groups" || path === "workflows" || path === "agents") return null;
    invalid.add(/^\w+\.[^.[]+/.exec(path)?.[0] ?? "");
  }
  const isValid = (section: string, name: string) => namePattern.test(name) && !invalid.has(`${section}.${name}`);
  const isGroupValid = (group: string) =>
    isValid("groups", group) && groupMembers(config, group).every(({ name }) => isValid("senses", name));
  const groups = new Map([...config.groups].filter(([name]) => isGroupValid(name)));
  const senses = new Map([...config.senses].filter(([, { group }]) => groups.has(group)));
  const agents = new Map([...config.agents].filter(([name]) => isValid("agents", name)));
  const workflows = new Map(
    [...config.workflows].filter(([name, flow]) =>
      isValid("workflows", name) &&
      [...flow.agents].every(([each]) => agents.has(each) || (standardAgents.has(each) && !config.agents.has(each)))
    ),
  );
  return senses.size + workflows.size === 0 ? null : { ...config, senses, groups, workflows, agents };
}
