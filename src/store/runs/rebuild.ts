/**
 * Rebuilds `workflow_runs`, and with it what runs wait for, from the log and, on request, from its archive, by
 * replaying the rows that run_log_rows.ts describes. The usual statements and triggers apply, so an illegal move in the
 * log is detected. Used by store.ts and verify.ts.
 */
import type { DatabaseSync } from "node:sqlite";
import type { Moment } from "../../base/moment.ts";
import { isPlainObject } from "../../protocol/json.ts";
import type { ApprovalDecision, NewApproval } from "../../protocol/approval.ts";
import type { LogRow } from "../../protocol/log.ts";
import type { RoleBegun, Run, RunChange, RunMessage } from "../../protocol/run.ts";
import type { NewChild, NewRunEvent, RunPause, RunWait } from "../../protocol/run_wait.ts";
import { listArchivedDays, parseRow, parseRowId, readLines } from "../archive/archive_file.ts";
import { runStep } from "../commit/operations.ts";
import { logColumns, toLogRow } from "../log/log_sql.ts";
import { inTransaction, StatementCache } from "../sqlite/database.ts";
import { runStateTypes } from "./run_log_rows.ts";
import { countMessage, insertRun, readRun, updateRun } from "./run_sql.ts";
import { insertBegun } from "./begun_sql.ts";
import { closeChildren, insertChild, refuseChild } from "./child_sql.ts";
import { keepClosings } from "./closing_sql.ts";
import { insertLoggedEvent, takeEvent } from "./event_sql.ts";
import { insertPause } from "./pause_sql.ts";
import { insertPlanned } from "./planned_sql.ts";
import { insertWait, settleWait } from "./wait_sql.ts";
import { decideApproval, insertApproval } from "../approvals/approval_sql.ts";

/** `skipped` counts rows that do not fit their run, and rows of runs whose first row was not found. */
export interface Rebuilt {
  readonly runs: number;
  readonly skipped: number;
}

/**
 * Replaces every run whose first row is in the log, or in the archive in `archiveFolder`; the others stay. All of it is
 * one transaction. Throws NerveError STORE_FAILED when an archive file is damaged.
 */
export function rebuildRuns(db: DatabaseSync, archiveFolder: string | null = null): Rebuilt {
  const statements = new StatementCache(db);
  const archived = archiveFolder === null ? [] : listArchivedSources(archiveFolder);
  return inTransaction(db, () => keepClosings(statements, () => replayRuns(statements, statements, archived)));
}

/**
 * Replays the rows of `log`, and of `archived`, into the `workflow_runs` of `target`, which may be another database.
 */
export function replayRuns(
  log: StatementCache,
  target: StatementCache,
  archived: readonly RunRowSource[] = [],
): Rebuilt {
  const made = new Set<string>();
  let skipped = 0;
  for (
    const { type, refId: runId, payload } of mergeById([{ firstId: 0, rows: () => readRunRows(log) }, ...archived])
  ) {
    if (isFirstRow(runId, payload)) {
      target.get("delete from workflow_runs where run_id = ?").run(runId);
      for (const table of ["run_waits", "run_pauses", "run_begun", "approvals", "run_events", "planned_starts"]) {
        target.get(`delete from ${table} where run_id = ?`).run(runId);
      }
      target.get("delete from run_children where parent_id = ?").run(runId);
      runStep(target, insertRun(payload));
      const { starts } = payload as { readonly starts?: Moment };
      if (starts !== undefined) runStep(target, insertPlanned(runId, starts));
      made.add(runId);
    } else if (isPlainObject(payload)) {
      const applied = made.has(runId) && replay(target, type, runId, payload);
      // A row without a status changes nothing.
      if (!applied && (changing.includes(type) || payload.status !== undefined)) skipped++;
    }
  }
  return { runs: made.size, skipped };
}

type RunRow = Pick<LogRow, "id" | "type" | "payload"> & { readonly refId: string };

/** Rows of runs, ordered by id; the first id is `firstId` or higher. */
interface RunRowSource {
  readonly firstId: number;
  rows(): Iterator<RunRow>;
}

const rowTypes: readonly string[] = [
  ...runStateTypes,
  "run.message",
  "run.event",
  "run.child_refused",
  "run.role_begun",
  "approval.requested",
  "approval.decided",
];
/** The types of rows that change something although they have no status. */
const changing: readonly string[] = [
  "run.message",
  "run.event",
  "run.child_refused",
  "run.role_begun",
  "approval.requested",
  "approval.decided",
];
const pageRows = 1_000;

/** Reads pages of rows: `iterate` ends silently at an unreadable page of the database (Deno 2.9.6). */
function* readRunRows(statements: StatementCache): Generator<RunRow> {
  // The plus stops SQLite from sorting all rows of these types for each page.
  const page = `select ${logColumns} from logs where id > ? and +type in (${rowTypes.map(() => "?").join(", ")})` +
    " order by id limit ?";
  let after = 0, rows: RunRow[];
  do {
    rows = statements.arrays(page).all(after, ...rowTypes, pageRows).map((row) => toLogRow(row) as RunRow);
    yield* rows;
    after = rows.at(-1)?.id ?? after;
  } while (rows.length === pageRows);
}

function listArchivedSources(folder: string): RunRowSource[] {
  return listArchivedDays(folder).flatMap(({ path }) => {
    const [first] = readLines(path);
    return first === undefined ? [] : [{ firstId: parseRowId(first, path), rows: () => readArchivedRunRows(path) }];
  });
}

function* readArchivedRunRows(path: string): Generator<RunRow> {
  for (const line of readLines(path, (text) => /"type":"(run|approval)\./.test(text))) {
    const row = parseRow(line, path);
    if (rowTypes.includes(row.type) && row.refId !== null) yield row as RunRow;
  }
}

/** Merges the sources by id, each id once. A file is open only while it may hold the next row. */
function* mergeById(sources: readonly RunRowSource[]): Generator<RunRow> {
  const waiting = sources.toSorted((a, b) => a.firstId - b.firstId);
  let open: { readonly rows: Iterator<RunRow>; row: RunRow }[] = [], lastId = -Infinity;
  for (;;) {
    let first = open.toSorted((a, b) => a.row.id - b.row.id)[0];
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      if (first !== undefined && next.firstId > first.row.id) break;
      waiting.shift();
      const rows = next.rows(), { value } = rows.next();
      if (value === undefined) continue;
      open.push({ rows, row: value });
      if (first === undefined || value.id < first.row.id) first = open.at(-1);
    }
    if (first === undefined) return;
    if (first.row.id > lastId) yield first.row;
    lastId = Math.max(lastId, first.row.id);
    const { value } = first.rows.next();
    if (value === undefined) open = open.filter((each) => each !== first);
    else first.row = value;
  }
}

function replay(statements: StatementCache, type: string, runId: string, payload: Record<string, unknown>): boolean {
  const run = readRun(statements, runId);
  if (run === null) return false;
  if (type === "run.message") {
    const { round } = payload as unknown as RunMessage;
    // The first row of a fork already counts these messages.
    if (typeof payload.copiedFrom === "string") return round <= run.rounds;
    const step = run.status === "waiting" ? settleWait(runId, round) : countMessage(runId, run.attempt, round);
    const took = payload.took;
    if (runStep(statements, step) === 0) return false;
    runStep(statements, closeChildren(runId));
    return typeof took !== "string" || runStep(statements, takeEvent(runId, took, round)) > 0;
  }
  if (type === "run.event") return runStep(statements, insertLoggedEvent(runId, payload.event as NewRunEvent)) > 0;
  if (type === "run.child_refused") {
    const { round, n, why } = payload as { round: number; n: number; why: string };
    return runStep(statements, refuseChild(runId, round, n, why)) > 0;
  }
  if (type === "run.role_begun") return runStep(statements, insertBegun(runId, payload as unknown as RoleBegun)) > 0;
  if (type === "approval.requested") {
    return runStep(statements, insertApproval(run, payload.request as NewApproval)) > 0;
  }
  if (type === "approval.decided") return runStep(statements, decideApproval(payload.decision as ApprovalDecision)) > 0;
  if (payload.status === undefined) return false;
  const changed = runStep(statements, updateRun(runId, { from: [run.status] }, readChange(payload))) > 0;
  if (changed && isPlainObject(payload.wait)) runStep(statements, insertWait(runId, payload.wait as RunWait));
  if (changed && Array.isArray(payload.children) && isPlainObject(payload.wait)) {
    const { round } = payload.wait as RunWait;
    for (const [index, child] of payload.children.entries()) {
      runStep(statements, insertChild(runId, round, index + 1, child as NewChild));
    }
  }
  if (changed && isPlainObject(payload.pause)) runStep(statements, insertPause(runId, payload.pause as RunPause));
  return changed;
}

/**
 * Only a row that starts or resumes a run changes the attempt. The row of an end has the attempt of the moment when the
 * end was requested, and a start may have been on its way.
 */
function readChange(payload: Record<string, unknown>): RunChange {
  const { attempt: _, ...rest } = payload;
  return (payload.status === "started" ? payload : rest) as unknown as RunChange;
}

/** Other rows may name another run, such as a refused child. */
function isFirstRow(runId: string, payload: unknown): payload is Run {
  return isPlainObject(payload) && payload.runId === runId && payload.status !== undefined;
}
