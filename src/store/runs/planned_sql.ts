/** The SQL for `planned_starts`: when queued runs start. Used by run_store.ts and rebuild.ts, over any connection. */
import type { Moment } from "../../base/moment.ts";
import type { Step } from "../commit/operations.ts";
import type { StatementCache } from "../sqlite/database.ts";

/** Inserts the start time of a run that has just been queued. */
export function insertPlanned(runId: string, starts: Moment): Step {
  return { sql: "insert into planned_starts values (?, ?)", values: [runId, JSON.stringify(starts)] };
}

export function deletePlanned(runId: string): Step {
  return { sql: "delete from planned_starts where run_id = ?", values: [runId] };
}

/** The planned starts, by run id. */
export function listPlanned(statements: StatementCache): Map<string, Moment> {
  const rows = statements.get("select run_id, starts from planned_starts").all();
  return new Map(rows.map((row) => [String(row.run_id), JSON.parse(String(row.starts)) as Moment]));
}

export function readPlanned(statements: StatementCache, runId: string): Moment | null {
  const row = statements.get("select starts from planned_starts where run_id = ?").get(runId);
  return row === undefined ? null : JSON.parse(String(row.starts)) as Moment;
}
