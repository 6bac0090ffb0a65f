/**
 * Checks the chain of hashes over the log and its archive (log/chain.ts): whether a row was changed, removed or
 * inserted since it was written. Used by verify.ts.
 * I1. Memory is bounded: rows are read in pages, and a file of the archive is open only while its rows are due.
 */
import type { DatabaseSync } from "node:sqlite";
import { listArchivedDays, parseRowId, readLines } from "../archive/archive_file.ts";
import { chainFromKey, chainUpToKey, hashRow, noHash, toMark } from "../log/chain.ts";
import { chainMarksMigration } from "../log/chain_schema.ts";
import { logLine } from "../log/log_sql.ts";
import { logMigrations } from "../log/schema.ts";
import { readUserVersion, StatementCache } from "../sqlite/database.ts";

interface Link {
  readonly upTo: number;
  readonly hash: string;
}

interface HashedRow {
  readonly id: number;
  readonly line: string;
}

/** A part of the chain that was checked; `problem` is null when its rows are unchanged. */
export interface CheckedLink {
  readonly rows: number;
  readonly problem: string | null;
}

/** `db` has a transaction open. Yields nothing when the log has no chain, or belongs to a nerve without chains. */
export function* checkChain(db: DatabaseSync, archive: string): Generator<CheckedLink> {
  const statements = new StatementCache(db);
  if (statements.get("select 1 from sqlite_schema where name = 'log_chain'").get() === undefined) return;
  const links = statements.get("select up_to as upTo, hash from log_chain order by up_to");
  const [start, ...others] = links.all() as unknown as Link[];
  // A log that was last opened by an older nerve does not have the marks yet.
  if (readUserVersion(db) > logMigrations.indexOf(chainMarksMigration)) {
    const problem = findMissing(statements, start, others.at(-1) ?? start);
    if (problem !== null) yield { rows: 0, problem };
  }
  if (start === undefined) return;
  if (start.hash !== noHash) yield { rows: 0, problem: `the chain does not begin at row ${start.upTo + 1} any more` };
  let copies = 0;
  const rows = mergeRows(statements, archive, start.upTo, () => copies++);
  let row = rows.next(), from = start;
  for (const link of others) {
    let { hash } = from, count = 0;
    for (; !row.done && row.value.id <= link.upTo; row = rows.next(), count++) hash = hashRow(hash, row.value.line);
    const problem = hash === link.hash
      ? null
      : `of rows ${from.upTo + 1} to ${link.upTo} one was changed, removed or inserted since they were written`;
    yield { rows: count, problem };
    // The next part is checked independently.
    from = link;
  }
  let beyond = 0;
  for (; !row.done; row = rows.next()) beyond++;
  if (copies > 0) yield { rows: 0, problem: `${copies} rows of the archive differ from the rows of their ids` };
  if (beyond > 0) {
    yield { rows: beyond, problem: `${beyond} rows after row ${from.upTo} were not written by nerve` };
  }
}

/** What was deleted from the chain itself, judged by the marks in `meta`; null when nothing was. */
function findMissing(statements: StatementCache, first?: Link, last?: Link): string | null {
  const read = (key: string) => statements.get("select value from meta where key = ?").get(key)?.value;
  const from = read(chainFromKey), upTo = read(chainUpToKey);
  if (first === undefined || last === undefined) {
    return from === undefined && upTo === undefined ? null : "the hashes of its rows were deleted";
  }
  if (from !== String(first.upTo)) return `the chain begins at row ${first.upTo + 1}, which is not where it began`;
  if (upTo === toMark(last.upTo, last.hash)) return null;
  return `the chain ends at row ${last.upTo}, which is not how far it had come: hashes were deleted`;
}

/** The beginning of the chain and its newest hash, to be kept elsewhere; null without a chain. */
export function describeChain(db: DatabaseSync): string | null {
  const statements = new StatementCache(db);
  if (statements.get("select 1 from sqlite_schema where name = 'log_chain'").get() === undefined) return null;
  const order = (by: string) => `select up_to as upTo, hash from log_chain order by up_to ${by} limit 1`;
  const first = statements.get(order("asc")).get(), last = statements.get(order("desc")).get();
  if (first === undefined || last === undefined) return null;
  return `from row ${Number(first.upTo) + 1} to row ${last.upTo}, ${last.hash}`;
}

/**
 * The rows after `after` of the log and its archive, by id. A row that is in both is returned once, as the log has it;
 * `onOther` is called for each copy that differs.
 */
function* mergeRows(
  statements: StatementCache,
  folder: string,
  after: number,
  onOther: () => void,
): Generator<HashedRow, undefined> {
  const sources = [readTable(statements, after), ...readArchive(folder, after)];
  /** The next row of each source, by id; the log, which is the first source, comes before its archive. */
  const open: { row: HashedRow; rank: number }[] = [];
  const next = (rank: number) => {
    const { value: row, done } = sources[rank]?.next() ?? { value: undefined, done: true };
    if (done === true || row === undefined) return;
    const at = open.findIndex((other) => other.row.id > row.id || other.row.id === row.id && other.rank > rank);
    open.splice(at < 0 ? open.length : at, 0, { row, rank });
  };
  sources.forEach((_source, rank) => next(rank));
  let last: HashedRow = { id: after, line: "" };
  for (let first = open.shift(); first !== undefined; first = open.shift()) {
    if (first.row.id > last.id) {
      last = first.row;
      yield last;
    } else if (first.row.id < last.id || first.row.line !== last.line) onOther();
    next(first.rank);
  }
}

const pageRows = 500;

function* readTable(statements: StatementCache, after: number): Generator<HashedRow> {
  const page = statements.arrays(`select id, ${logLine} from logs where id > ? order by id limit ?`);
  for (let from = after;;) {
    const rows = page.all(from, pageRows) as unknown as [number, string][];
    for (const [id, line] of rows) yield { id: from = id, line };
    if (rows.length < pageRows) return;
  }
}

function readArchive(folder: string, after: number): Generator<HashedRow>[] {
  return listArchivedDays(folder).map(({ path }) => readDay(path, after));
}

/** Reads the first row at once, and leaves nothing open; reads the others when that row is due. */
function* readDay(path: string, after: number): Generator<HashedRow> {
  const first = readFirst(path, after);
  if (first === null) return;
  yield first;
  for (const line of readLines(path)) {
    const id = parseRowId(line, path);
    if (id > first.id) yield { id, line };
  }
}

function readFirst(path: string, after: number): HashedRow | null {
  for (const line of readLines(path)) {
    const id = parseRowId(line, path);
    if (id > after) return { id, line };
  }
  return null;
}
