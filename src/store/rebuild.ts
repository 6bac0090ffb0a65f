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
  return inTransaction(db, () => {
    const made = new Set<string>();
    let skipped = 0;
    const types = [...runStateTypes, "run.message"];
    const rows = statements.arrays(
      `select type, ref_id, payload from logs where type in (${types.map(() => "?").join(", ")}) order by id`,
    );
    for (const row of rows.iterate(...types)) {
      const [type, runId, text] = row as unknown as [string, string, string];
      const payload: unknown = JSON.parse(text);
      if (isFirst(payload)) {
        statements.get("delete from workflow_runs where run_id = ?").run(runId);
        insertRun(statements, payload);
        made.add(runId);
      } else if (isPlainObject(payload)) {
        const applied = made.has(runId) && replay(statements, type, runId, payload);
        // A row without a status changes nothing.
        if (!applied && (type === "run.message" || payload.status !== undefined)) skipped++;
      }
    }
    return { runs: made.size, skipped };
  });
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
