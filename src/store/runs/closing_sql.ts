/**
 * The SQL for `run_closings`, the runs whose `finally` is still to run, and for `workflow_finally`, which workflows
 * have one. Used by run_store.ts, rebuild.ts and archive/held_rows.ts, over any connection.
 */
import type { KnownFinally } from "../../protocol/closing.ts";
import type { Run } from "../../protocol/run.ts";
import type { Step } from "../commit/operations.ts";
import type { StatementCache } from "../sqlite/database.ts";
import { runColumns, toRun } from "./run_sql.ts";

export function readFinally(statements: StatementCache, workflow: string): KnownFinally | null {
  const row = statements.get("select code, has from workflow_finally where workflow = ?").get(workflow);
  return row === undefined ? null : { code: String(row.code), has: row.has === 1 };
}

/** Stores whether a workflow has a `finally`; null: unknown. Without one, its runs need no closing. */
export function writeFinally(workflow: string, known: KnownFinally | null): Step[] {
  if (known === null) return [{ sql: "delete from workflow_finally where workflow = ?", values: [workflow] }];
  const { code, has } = known;
  const step = {
    sql: "insert or replace into workflow_finally (workflow, code, has) values (?, ?, ?)",
    values: [workflow, code, has ? 1 : 0],
  };
  return has ? [step] : [step, { sql: "delete from run_closings where workflow = ?", values: [workflow] }];
}

/** The runs of a workflow that are still to be closed, in the order of their ends; at most `limit`. */
export function listClosings(statements: StatementCache, workflow: string, limit: number): Run[] {
  const columns = runColumns.split(", ").map((name) => `run.${name}`).join(", ");
  return statements.arrays(
    `select ${columns} from run_closings closing join workflow_runs run on run.run_id = closing.run_id
     where closing.workflow = ? order by closing.seq limit ?`,
  ).all(workflow, limit).map(toRun);
}

/** Whether the `finally` of a run is still to run; false while it is unknown whether there is one. */
export function isClosing(statements: StatementCache, runId: string): boolean {
  const sql = "select 1 from run_closings join workflow_finally using (workflow) where run_id = ? and has = 1";
  return statements.get(sql).get(runId) !== undefined;
}

/** Whether the run has ended and must be closed, if its workflow has a `finally` at all. */
export function isToBeClosed(statements: StatementCache, runId: string): boolean {
  return statements.get("select 1 from run_closings where run_id = ?").get(runId) !== undefined;
}

/** Marks the run as closed. Changes nothing when it no longer had to be closed. */
export function deleteClosing(runId: string): Step {
  return { sql: "delete from run_closings where run_id = ?", values: [runId] };
}

/** The row that ended a run; null when it is not in the log. */
export function readEndRow(statements: StatementCache, runId: string): number | null {
  const [id] = statements.arrays(
    "select max(id) from logs where ref_id = ? and type in ('run.completed', 'run.failed', 'run.killed', 'run.crashed'," +
      " 'run.interrupted') and json_extract(payload, '$.status') is not null",
  ).get(runId) as unknown as [number | null];
  return id;
}

/** Runs whose messages are still needed. */
export const closingRuns = "select run_id from run_closings";

/** Runs `act`, a rebuild, which ends runs again but does not know the closings, and then restores them. */
export function keepClosings<T>(statements: StatementCache, act: () => T): T {
  statements.get("create temp table kept_closings as select run_id, workflow from run_closings order by seq").run();
  const result = act();
  statements.get("delete from run_closings").run();
  statements.get(
    "insert into run_closings (run_id, workflow) select run_id, workflow from kept_closings" +
      " where run_id in (select run_id from workflow_runs where status in" +
      " ('completed', 'failed', 'killed', 'crashed', 'interrupted')) order by rowid",
  ).run();
  statements.get("drop table kept_closings").run();
  return result;
}
