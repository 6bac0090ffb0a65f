/**
 * Makes `workflow_runs` again out of the log, by replaying what run_log.ts says the rows hold. The same statements and
 * triggers as in daily use apply, so that a log that tells of an illegal move is noticed.
 */
import type { DatabaseSync } from "node:sqlite";
import { isPlainObject } from "../protocol/json.ts";
import type { Run, RunMessage } from "../protocol/run.ts";
import { type RunChange, runStateTypes } from "./run_log.ts";
import { countMessage, insertRun, readRun, updateRun } from "./run_rows.ts";
import { inTransaction, StatementCache } from "./sqlite.ts";

/** `skipped` counts rows that did not fit the runs they speak of, and rows of runs whose beginning is archived. */
export interface Rebuilt {
  readonly runs: number;
  readonly skipped: number;
}

/**
 * Replaces every run whose first row is in the log; runs whose first row has been archived stay as they are.
 * One transaction: it happens as a whole or not at all.
 */
export function rebuildRuns(db: DatabaseSync): Rebuilt {
  const statements = new StatementCache(db);
  return inTransaction(db, () => replayRuns(statements, statements));
}

/** Replays the rows of `log` into the `workflow_runs` of `target`, which may be another database. */
export function replayRuns(log: StatementCache, target: StatementCache): Rebuilt {
  const made = new Set<string>();
  let skipped = 0;
  for (const [type, runId, text] of runRows(log)) {
    const payload: unknown = JSON.parse(text);
    if (isFirst(payload)) {
      target.get("delete from workflow_runs where run_id = ?").run(runId);
      insertRun(target, payload);
      made.add(runId);
    } else if (isPlainObject(payload)) {
      const applied = made.has(runId) && replay(target, type, runId, payload);
      // A row without a status changes nothing.
      if (!applied && (type === "run.message" || payload.status !== undefined)) skipped++;
    }
  }
  return { runs: made.size, skipped };
}

type RunRow = [type: string, runId: string, payload: string, id: number];
const pageRows = 1_000;

/** By pages: `iterate` ends without a word where a page of the database cannot be read (Deno 2.9.6). */
function* runRows(statements: StatementCache): Generator<RunRow> {
  const types = [...runStateTypes, "run.message"];
  // The plus keeps SQLite from sorting all rows of these types for each page.
  const page =
    `select type, ref_id, payload, id from logs where id > ? and +type in (${types.map(() => "?").join(", ")})` +
    " order by id limit ?";
  let after = 0, rows: RunRow[];
  do {
    rows = statements.arrays(page).all(after, ...types, pageRows) as unknown as RunRow[];
    yield* rows;
    after = rows.at(-1)?.[3] ?? after;
  } while (rows.length === pageRows);
}

function replay(statements: StatementCache, type: string, runId: string, payload: Record<string, unknown>): boolean {
  const run = readRun(statements, runId);
  if (run === null) return false;
  if (type === "run.message") {
    const { round } = payload as unknown as RunMessage;
    return countMessage(statements, { runId, attempt: run.attempt, round }) !== null;
  }
  if (payload.status === undefined) return false;
  return updateRun(statements, runId, { from: [run.status] }, payload as unknown as RunChange);
}

function isFirst(payload: unknown): payload is Run {
  return isPlainObject(payload) && payload.runId !== undefined;
}
