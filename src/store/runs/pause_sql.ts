/**
 * The SQL for `run_pauses`: from where a paused run continues. Used by run_store.ts and rebuild.ts, over any
 * connection. A trigger of the schema removes the row when the run continues or ends.
 */
import type { HeldRun, PausedRun, RunPause, RunWait } from "../../protocol/run_wait.ts";
import type { Step } from "../commit/operations.ts";
import type { StatementCache } from "../sqlite/database.ts";

/** The pause of a run that has just become `paused`. */
export function insertPause(runId: string, { from, since, reason, wait, code }: RunPause): Step {
  return {
    sql: "insert into run_pauses (run_id, paused_from, since, reason, wait, code) values (?, ?, ?, ?, ?, ?)",
    // A row of an older nerve lacks the code.
    values: [runId, from, since, reason, wait === null ? null : JSON.stringify(wait), code ?? null],
  };
}

/** Lets a paused run continue from where it was; a started one in its next attempt. */
export function unpauseRun(runId: string, { from, reason }: RunPause): Step {
  return {
    sql:
      "update workflow_runs set status = ?, attempt = attempt + ?, reason = ? where run_id = ? and status = 'paused'",
    values: [from, from === "started" ? 1 : 0, reason, runId],
  };
}

export function readPause(statements: StatementCache, runId: string): RunPause | null {
  const row = statements.get("select paused_from, since, reason, wait, code from run_pauses where run_id = ?").get(
    runId,
  );
  if (row === undefined) return null;
  return {
    from: row.paused_from as RunPause["from"],
    since: Number(row.since),
    reason: row.reason as string | null,
    wait: row.wait === null ? null : JSON.parse(String(row.wait)) as RunWait,
    code: row.code as string | null,
  };
}

/** Every paused run. */
export function listPaused(statements: StatementCache): PausedRun[] {
  const sql = "select run_id, workflow, paused_from from run_pauses join workflow_runs using (run_id)";
  return statements.get(sql).all().map((row) => ({
    runId: String(row.run_id),
    workflow: String(row.workflow),
    from: row.paused_from as RunPause["from"],
  }));
}

/** Runs that are paused because their code contradicts their messages. */
export function listHeld(statements: StatementCache): HeldRun[] {
  // `cross` keeps the order of `from`: going over all runs, and looking up each among the paused ones, takes 12 ms for
  // 100,000.
  return statements.get(
    `select run_id, workflow, code, run.reason from run_pauses pause cross join workflow_runs run using (run_id)
     where pause.code is not null order by seq`,
  ).all().map((row) => ({
    runId: String(row.run_id),
    workflow: String(row.workflow),
    code: String(row.code),
    reason: row.reason as string | null,
  }));
}
