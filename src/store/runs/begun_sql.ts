/**
 * The SQL for `run_begun`: roles that run once, have begun, and have no stored message yet. Used by run_store.ts,
 * rebuild.ts and verify.ts, over any connection. A trigger of the schema removes the row with the message, with the
 * decision that the role runs again, and with the end of the run.
 */
import type { RoleBegun } from "../../protocol/run.ts";
import type { Step } from "../commit/operations.ts";
import type { StatementCache } from "../sqlite/database.ts";

/** Changes nothing unless the run is started and expects that round, or if one of its roles has begun already. */
export function insertBegun(runId: string, { attempt, round, role, at }: RoleBegun): Step {
  return {
    sql: `
insert into run_begun (run_id, attempt, round, role, at) select ?, ?, ?, ?, ?
where exists (select 1 from workflow_runs where run_id = ? and status = 'started' and attempt = ? and rounds = ?)
on conflict (run_id) do nothing`,
    values: [runId, attempt, round, role, at, runId, attempt, round - 1],
  };
}

export function readBegun(statements: StatementCache, runId: string): RoleBegun | null {
  const row = statements.get("select attempt, round, role, at from run_begun where run_id = ?").get(runId);
  if (row === undefined) return null;
  const { attempt, round, role, at } = row;
  return { attempt: Number(attempt), round: Number(round), role: String(role), at: Number(at) };
}
