/**
 * The SQL for `run_reports`: the runs whose `run.closed` row is their report. Used by run_store.ts and run_reads.ts,
 * over any connection.
 */
import type { RunClosing } from "../../protocol/closing.ts";
import type { Step } from "../commit/operations.ts";
import type { StatementCache } from "../sqlite/database.ts";

/** Write this with the `run.closed` row. */
export function insertReport(runId: string): Step {
  return { sql: "insert into run_reports (run_id) values (?) on conflict (run_id) do nothing", values: [runId] };
}

export function listReports(statements: StatementCache, after: string, limit: number): string[] {
  const sql = "select run_id from run_reports where run_id > ? order by run_id limit ?";
  return statements.get(sql).all(after, limit).map(({ run_id }) => String(run_id));
}

export function readReport(statements: StatementCache, runId: string): RunClosing | null {
  const sql = "select payload from logs where ref_id = ? and type = 'run.closed' order by id desc limit 1";
  const row = statements.get(sql).get(runId);
  return row === undefined ? null : JSON.parse(String(row.payload)) as RunClosing;
}
