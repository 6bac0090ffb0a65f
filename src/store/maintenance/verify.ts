/**
 * Verifies the data of a workspace: every database, every blob, the archive against the log's watermark, the rows of
 * both against their chain of hashes, and `workflow_runs` against the log. Changes nothing. Used by `nerve store
 * verify`, with or without a running daemon.
 */
import type { DatabaseSync } from "node:sqlite";
import { messageOf } from "../../base/errors.ts";
import { type ArchivedDay, archivePath, listArchivedDays, parseRow, readLines } from "../archive/archive_file.ts";
import { type ArchivedCount, archivedDayKey } from "../archive/archiver.ts";
import { dayMs, parseDay } from "../archive/days.ts";
import { listApprovals } from "../approvals/approval_sql.ts";
import { archivedUpToKey } from "../log/meta_store.ts";
import { logMigrations } from "../log/schema.ts";
import { readBegun } from "../runs/begun_sql.ts";
import { replayRuns } from "../runs/rebuild.ts";
import { readRun } from "../runs/run_sql.ts";
import { readWait } from "../runs/wait_sql.ts";
import { checkVersion, migrate, openDatabase, readUserVersion, StatementCache } from "../sqlite/database.ts";
import { type DatabaseFile, type DataPaths, listBlobFiles, listDatabases, readInfo } from "./data_files.ts";
import { findDatabaseFault, HollowBudget, listOddFiles } from "./odd_files.ts";
import { quickCheck } from "./quick_check.ts";
import { checkChain, describeChain } from "./verify_chain.ts";

// A static import would load it at every start of a built nerve (tools/build/bundle.ts).
const { createHash } = await import("node:crypto");

export type VerifiedPart = "database" | "blobs" | "archive" | "chain" | "runs";

/** `problem` is null for an intact part; `count` is the number of pages, blobs, rows or runs checked. */
export interface Verdict {
  readonly part: VerifiedPart;
  /** A path, a day, a digest, a run id. */
  readonly what: string;
  readonly problem: string | null;
  readonly count: number;
}

/** One verdict for each fault, and one for each intact part. */
export function* verifyStore(paths: DataPaths): Generator<Verdict> {
  const files = listDatabases(paths), hollow = new HollowBudget(), known = new Set(files.map(({ path }) => path));
  let log: DatabaseFile | null = null;
  for (const file of files) {
    const verdict = checkDatabase(file, hollow);
    if (file.name === "log" && verdict.problem === null) log = file;
    yield verdict;
  }
  for (const { path, why } of listOddFiles(paths)) {
    // A file beside a database was reported with the database.
    if (known.has(path.replace(/-(wal|shm|journal)$/, ""))) continue;
    const part = path.startsWith(paths.blobs) ? "blobs" : path.startsWith(paths.archive) ? "archive" : "database";
    yield { part, what: path, problem: why, count: 1 };
  }
  yield* checkBlobs(paths.blobs, hollow);
  if (log === null) return;
  const db = openDatabase(log.path, { readOnly: true });
  try {
    yield* checkGuarded("archive", paths.archive, () => checkArchive(db, paths.archive));
    yield* checkGuarded("chain", describeChain(db) ?? log.path, () => checkRows(db, paths.archive));
    yield* checkGuarded("runs", log.path, () => checkRuns(db));
  } finally {
    db.close();
  }
}

function checkDatabase({ name, path }: DatabaseFile, hollow: HollowBudget): Verdict {
  const verdict = (problem: string | null, count = 0): Verdict => ({ part: "database", what: path, problem, count });
  const fault = findDatabaseFault(path) ?? hollow.refuse(path);
  if (fault !== null) return verdict(fault);
  try {
    const db = openDatabase(path, { readOnly: true });
    try {
      const problems = quickCheck(db, 20);
      if (problems.length > 0) return verdict(problems.join("; "));
      if (name === "log") {
        const version = readUserVersion(db);
        checkVersion(version, logMigrations.length, path);
        // SQLite reads an empty file as a database without tables.
        if (version === 0) return verdict("it holds no log: it was truncated, or a daemon is creating it");
      }
      const { pages, size } = db.prepare(
        "select page_count as pages, page_size as size from pragma_page_count, pragma_page_size",
      ).get() ?? {};
      // SQLite reads the missing part of a last page as zeros.
      if ((readInfo(path)?.size ?? 0) % Number(size) !== 0) return verdict("it ends within a page: it was truncated");
      return verdict(null, Number(pages));
    } finally {
      db.close();
    }
  } catch (thrown) {
    return verdict(messageOf(thrown));
  }
}

function* checkBlobs(folder: string, hollow: HollowBudget): Generator<Verdict> {
  let count = 0, wrong = 0;
  for (const { digest, path } of listBlobFiles(folder)) {
    if (digest === null) continue;
    count++;
    const problem = hollow.refuse(path) ?? findBlobProblem(path, digest);
    if (problem === null) continue;
    wrong++;
    yield { part: "blobs", what: digest, problem, count: 1 };
  }
  if (wrong === 0) yield { part: "blobs", what: folder, problem: null, count };
}

function findBlobProblem(path: string, digest: string): string | null {
  try {
    using file = Deno.openSync(path);
    const hash = createHash("sha256"), block = new Uint8Array(256 * 1024);
    for (let read = file.readSync(block); read !== null; read = file.readSync(block)) {
      hash.update(block.subarray(0, read));
    }
    return hash.digest("hex") === digest ? null : "its bytes have another digest";
  } catch (thrown) {
    return thrown instanceof Deno.errors.NotFound ? null : messageOf(thrown);
  }
}

/** An unreadable file ends the check of its part, with one more verdict. */
function* checkGuarded(part: VerifiedPart, what: string, look: () => Generator<Verdict>): Generator<Verdict> {
  let wrong = 0, count = 0;
  try {
    for (const verdict of look()) {
      count += verdict.count;
      if (verdict.problem === null) continue;
      wrong++;
      yield verdict;
    }
  } catch (thrown) {
    wrong++;
    yield { part, what, problem: messageOf(thrown), count: 0 };
  }
  if (wrong === 0) yield { part, what, problem: null, count };
}

function* checkArchive(db: DatabaseSync, folder: string): Generator<Verdict> {
  const statements = new StatementCache(db);
  const value = statements.get("select value from meta where key = ?").get(archivedUpToKey)?.value;
  const upTo = value === undefined ? -Infinity : Number(value), prefix = archivedDayKey("");
  const files = listArchivedDays(folder), present = new Set(files.map(({ day }) => day));
  for (const file of files) yield checkDay(statements, file, upTo);
  const known = statements.get("select key, value from meta where key >= ? and key < ?");
  for (const row of known.all(prefix, `${prefix}~`)) {
    const day = String(row.key).slice(prefix.length);
    if (present.has(day)) continue;
    // The file may be newer than the list of files.
    if (readInfo(archivePath(folder, day)) !== null) continue;
    const { rows } = JSON.parse(String(row.value)) as ArchivedCount;
    yield { part: "archive", what: day, problem: `its file is missing: ${rows} rows`, count: 0 };
  }
}

function checkDay(statements: StatementCache, { day, path }: ArchivedDay, upTo: number): Verdict {
  const start = parseDay(day) ?? 0, inLog = statements.get("select 1 from logs where id = ?");
  let rows = 0, last = 0;
  const wrong = (problem: string): Verdict => ({ part: "archive", what: day, problem, count: rows });
  try {
    for (const line of readLines(path)) {
      const { id, ts } = parseRow(line, path);
      rows++;
      if (id <= last) return wrong(`row ${id} follows row ${last}`);
      if (ts < start || ts >= start + dayMs) return wrong(`row ${id} is of another day`);
      // Rows that an interrupted archive run wrote beyond the watermark must still be in the log.
      if (start >= upTo && inLog.get(id) === undefined) {
        return wrong(`row ${id} is beyond the watermark, and not in the log`);
      }
      last = id;
    }
  } catch (thrown) {
    return wrong(messageOf(thrown));
  }
  const value = statements.get("select value from meta where key = ?").get(archivedDayKey(day))?.value;
  if (value === undefined) return { part: "archive", what: day, problem: null, count: rows };
  const { rows: expected } = JSON.parse(String(value)) as ArchivedCount;
  // The file may have more rows: a later archive run rewrote it and was interrupted.
  return rows >= expected
    ? { part: "archive", what: day, problem: null, count: rows }
    : wrong(`it holds ${rows} rows, but the log recorded ${expected}`);
}

function* checkRows(db: DatabaseSync, archive: string): Generator<Verdict> {
  // One snapshot: a daemon may keep writing.
  db.exec("begin");
  try {
    for (const { rows, problem } of checkChain(db, archive)) yield { part: "chain", what: "log", problem, count: rows };
  } finally {
    db.exec("commit");
  }
}

/** Rebuilds every run whose first row is in the log into a second database, and compares it. */
function* checkRuns(db: DatabaseSync): Generator<Verdict> {
  const copy = openDatabase(":memory:");
  try {
    migrate(copy, logMigrations, "a copy in memory");
    const made = new StatementCache(copy), kept = new StatementCache(db);
    // One snapshot: a daemon may keep writing.
    db.exec("begin");
    replayRuns(kept, made);
    // A database of an older nerve lacks some of these tables.
    const hasApprovals = readUserVersion(db) >= logMigrations.length;
    const page = made.get("select run_id as id, seq from workflow_runs where seq > ? order by seq limit 1000");
    let after = 0;
    for (let ids = page.all(after); ids.length > 0; ids = page.all(after)) {
      for (const { id, seq } of ids) {
        after = Number(seq);
        yield compareRun(made, kept, String(id), hasApprovals);
      }
    }
    db.exec("commit");
  } finally {
    copy.close();
  }
}

const allOf = (runId: string) => ({ runId, all: true, limit: -1, offset: 0 });

function compareRun(made: StatementCache, kept: StatementCache, id: string, hasApprovals: boolean): Verdict {
  const verdict = (problem: string | null): Verdict => ({ part: "runs", what: id, problem, count: 1 });
  const rebuilt = readRun(made, id), run = readRun(kept, id);
  if (run === null) return verdict("the log has it, but workflow_runs does not");
  const different = Object.entries(run).filter(([key, value]) =>
    JSON.stringify(value) !== JSON.stringify(rebuilt?.[key as keyof typeof run])
  ).map(([key]) => key);
  // A database of an older nerve has no waits, and no waiting run.
  const waits = run.status === "waiting" ? [kept, made].map((all) => JSON.stringify(readWait(all, id))) : [];
  if (waits[0] !== waits[1]) different.push("wait");
  if (hasApprovals) {
    const [asked, rebuiltAsked] = [kept, made].map((all) => JSON.stringify(listApprovals(all, allOf(id)).items));
    if (asked !== rebuiltAsked) different.push("approvals");
    const [begun, rebuiltBegun] = [kept, made].map((all) => JSON.stringify(readBegun(all, id)));
    if (begun !== rebuiltBegun) different.push("begun");
  }
  return verdict(different.length === 0 ? null : `differs from the log: ${different.join(", ")}`);
}
