/**
 * What a check returns, and when: a signal while something is wrong, one when nothing is wrong any more, and a run of a
 * workflow, once, for what has just happened. Imported by senses that find problems: load, network-counters,
 * directory-watch, url-change, database-query, package-updates and process-watch judge one thing by `tell`; ping,
 * dns-answers, smart, temperature, systemd-units, containers, port-check and tls-expiry several by `tellEach`.
 */
import { desc, eq } from "drizzle-orm";
import type { SQLiteColumn, SQLiteTable } from "drizzle-orm/sqlite-core";
import type { SenseDatabase, WorkflowDirective } from "nerve";

export interface Verdict {
  readonly ok: boolean;
  /** The problems, as sentences; empty when `ok`. */
  readonly problems: readonly string[];
}

/** Null: there is nothing to report. With a directive, it starts a run instead of a signal. */
export type Told<Found> = Found | (Found & { readonly workflow: WorkflowDirective }) | null;

interface Settings {
  /** Report every verdict. */
  readonly always: boolean;
  /** The workflow to start for news. */
  readonly workflow: string | null;
}

export interface Telling extends Settings {
  /** Whether the last compute found nothing wrong. */
  readonly wasOk: boolean;
  /** What has just happened, as sentences. */
  readonly news: readonly string[];
}

/** The most rounds that the workflow may take, and the most news that its prompt contains. */
const workflowRoundsMax = 20, promptNewsMax = 10, promptMaxChars = 4_000;

export function tell<Found extends Verdict>(found: Found, { wasOk, news, always, workflow }: Telling): Told<Found> {
  if (news.length > 0 && workflow !== null) return { ...found, workflow: toDirective(workflow, news) };
  return found.ok && wasOk && news.length === 0 && !always ? null : found;
}

function toDirective(name: string, news: readonly string[]): WorkflowDirective {
  const named = news.slice(0, promptNewsMax).join(", ").slice(0, promptMaxChars);
  const prompt = news.length > promptNewsMax ? `${named}, and ${news.length - promptNewsMax} more` : named;
  return { name, prompt, maxRounds: workflowRoundsMax };
}

/** The news of a check of one thing: all its problems, in one sentence, when it has some for the first time. */
export function findNews(about: string, wasOk: boolean, problems: readonly string[]): string[] {
  return wasOk && problems.length > 0 ? [`${about}: ${problems.join(", ")}`] : [];
}

/** One of several things that a sense checks. */
export interface Checked {
  readonly name: string;
  readonly problem: string | null;
}

export interface TellingEach extends Settings {
  readonly things: readonly Checked[];
  /** Names of what was wrong at the last compute. */
  readonly wereWrong: ReadonlySet<string>;
  /** What else has happened, as sentences. */
  readonly changes?: readonly string[];
}

/** Judges several things. Returns `details` and the problems. News are new problems, and `changes`. */
export function tellEach<Details extends object>(
  details: Details,
  { things, wereWrong, changes = [], ...settings }: TellingEach,
): Told<Verdict & Details> {
  const wrong = things.filter(({ problem }) => problem !== null), problems = wrong.map(toSentence);
  const news = [...wrong.filter(({ name }) => !wereWrong.has(name)).map(toSentence), ...changes];
  return tell({ ok: problems.length === 0, problems, ...details }, { ...settings, news, wasOk: wereWrong.size === 0 });
}

function toSentence({ name, problem }: Checked): string {
  return `${name}: ${problem}`;
}

/** A table with a row for each thing and compute, all rows of a compute with the same time. */
type Rows = SQLiteTable & Record<"id" | "ts" | "problem", SQLiteColumn>;

/** The problem of each thing at the last compute; `name` is the column that identifies a thing. */
export function readProblems(db: SenseDatabase, table: Rows, name: SQLiteColumn): Map<string, string | null> {
  const last = db.select({ ts: table.ts }).from(table).orderBy(desc(table.id)).limit(1).get();
  if (last === undefined) return new Map();
  const rows = db.select({ name, problem: table.problem }).from(table).where(eq(table.ts, last.ts)).all();
  return new Map(rows.map((row) => [String(row.name), row.problem === null ? null : String(row.problem)]));
}

/** The names of the things that have a problem. */
export function namesOfWrong(problems: ReadonlyMap<string, string | null>): Set<string> {
  return new Set([...problems].filter(([, problem]) => problem !== null).map(([name]) => name));
}
