/**
 * What is left of nerve.yaml when everything that the schema refuses is taken out, so that all other checks run over
 * the rest at the same time. Used by parse.ts; pure.
 * I1. A refused value misleads no other check: `Uncertainties` tells them what cannot be relied on, and `misleads` which of
 *     their findings count for nothing.
 * I2. A misspelt section counts as the one that was meant: what is wrong inside it is told as well.
 */
import type * as z from "zod";
import { isPlainObject } from "../protocol/json.ts";
import type { Place } from "../protocol/signal.ts";
import { namePattern } from "../protocol/signal.ts";
import { type ConfigPath, formatConfigPath, type Problem } from "./diagnostic.ts";
import { ProblemList } from "./diagnostic_list.ts";
import { findNearest } from "./did_you_mean.ts";
import { fileSchema, type FileShape, listKnownKeys } from "./schema.ts";
import { explainIssue, findValueAt, toConfigPath } from "./schema_issues.ts";
import { groupMembers, type NerveConfig } from "./types.ts";

/** What the checks between entries must not rely on. */
export interface Uncertainties {
  /** True when it is not known which senses there are. */
  readonly senses: boolean;
  /** Entries of which something was taken out: `senses.cpu`. */
  readonly entries: ReadonlySet<string>;
}

export const noUncertainties: Uncertainties = { senses: false, entries: new Set() };

export interface ValidRemainder {
  readonly file: FileShape;
  /** Positions of the reflexes that are no part of it. */
  readonly omit: ReadonlySet<number>;
  readonly uncertainties: Uncertainties;
  /** Whether a finding about the rest may come from what was taken out. */
  readonly misleads: (problem: Problem) => boolean;
  /** The place of a path, in the file as it is written. */
  readonly placeOf: (path: ConfigPath) => Place;
}

type PlaceOf = ValidRemainder["placeOf"];

/** What was refused comes as a round: only then does the schema look into a section that was misspelt. */
const roundsMax = 3;

/**
 * Adds what the schema refuses to `problems`. `refused` are the positions of reflexes that were told of already. Null
 * when nothing is left that could be checked: the file is no mapping.
 */
export function dropInvalid(
  input: unknown,
  refused: ReadonlySet<number>,
  placeOf: PlaceOf,
  problems: ProblemList,
): ValidRemainder | null {
  const omit = new Set(refused), wrong: ConfigPath[] = [], written = new Map<string, string>();
  const placeAsWritten: PlaceOf = ([first = "", ...rest]) => placeOf([written.get(String(first)) ?? first, ...rest]);
  let rest = input;
  for (let round = 0; round < roundsMax; round++) {
    // To write and compile a parser of its own, as zod does else, takes longer than this one parse.
    const seen = replaceReflexes(rest, omit), parsed = fileSchema.safeParse(seen, { jitless: true });
    if (parsed.success) return buildRemainder(parsed.data, rest, omit, wrong, placeAsWritten);
    const found = new ProblemList(placeAsWritten);
    for (const { path, message, hint } of parsed.error.issues.flatMap((issue) => explainIssue(issue, seen))) {
      found.error(path, message, hint);
    }
    problems.addAll(found);
    // Two aliases of one value are one object here: through JSON each becomes its own.
    rest = JSON.parse(JSON.stringify(rest));
    for (const path of parsed.error.issues.flatMap(findIssuePaths)) {
      if (path.length === 0) return null;
      wrong.push(path);
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
  wrong: readonly ConfigPath[],
  placeOf: PlaceOf,
): ValidRemainder {
  const texts = wrong.map(formatConfigPath), entries = new Set(wrong.map((path) => formatConfigPath(path.slice(0, 2))));
  const senses = wrong.some((path) => path.length === 1) && findValueAt(rest, ["senses"]) === undefined;
  const misleads = ({ path, severity }: Problem) => {
    // What was taken out of a reflex may be the very thing that is now missing in it.
    if (path.startsWith("reflexes")) return texts.some((taken) => taken === path || taken.startsWith(`${path}.`));
    if (severity === "error" || wrong.length === 0) return false;
    // Of an entry as a whole: that nothing uses it, or that it gains something.
    const [, entry = "", inside = ""] = /^(\w*(?:\.[^.[]+)?)(.*)$/.exec(path) ?? [];
    return inside === "" || entries.has(entry);
  };
  return { file, omit, uncertainties: { senses, entries }, misleads, placeOf };
}

/** The same input with the reflexes at those positions replaced by ones that the schema takes. */
function replaceReflexes(input: unknown, omit: ReadonlySet<number>): unknown {
  const reflexes = findValueAt(input, ["reflexes"]);
  if (omit.size === 0 || !isPlainObject(input) || !Array.isArray(reflexes)) return input;
  return { ...input, reflexes: reflexes.map((reflex, index) => omit.has(index) ? { sense: "" } : reflex) };
}

/** Where the values are that have to go before the rest can be parsed. */
function findIssuePaths(issue: z.core.$ZodIssue): ConfigPath[] {
  const path = toConfigPath(issue.path);
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => [...path, key]);
  // A key of an entry goes as a whole, of its permissions each by itself: none but `sense` of a reflex has to be there.
  return [path.slice(0, path[2] === "permissions" && typeof path[3] === "string" ? 4 : 3)];
}

/** A key of the whole file that is wrong, or unknown: then it may have been meant for one that is not there. */
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
 * Without each sense, group and workflow that an error is about, and without the siblings of such a sense: they share
 * its process and its permissions. Null when an error is about a whole section, or nothing is left.
 */
export function keepValidEntries(config: NerveConfig, problems: readonly Problem[]): NerveConfig | null {
  const wrong = new Set<string>();
  for (const { severity, path } of problems) {
    if (severity !== "error") continue;
    if (path === "senses" || path === "groups" || path === "workflows") return null;
    wrong.add(/^\w+\.[^.[]+/.exec(path)?.[0] ?? "");
  }
  const sound = (section: string, name: string) => namePattern.test(name) && !wrong.has(`${section}.${name}`);
  const together = (group: string) =>
    sound("groups", group) && groupMembers(config, group).every(({ name }) => sound("senses", name));
  const groups = new Map([...config.groups].filter(([name]) => together(name)));
  const senses = new Map([...config.senses].filter(([, { group }]) => groups.has(group)));
  const workflows = new Map([...config.workflows].filter(([name]) => sound("workflows", name)));
  return senses.size + workflows.size === 0 ? null : { ...config, senses, groups, workflows };
}
