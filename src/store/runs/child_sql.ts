/**
 * The SQL for `run_children`: the runs that a run waits for. Used by run_store.ts, run_reads.ts, reader.ts, rebuild.ts
 * and the archive, over any connection. A row is open (it has its request) until the wait is over; then it only links
 * both runs.
 * I1. A run with the id of a child is that child only if its trigger names the parent.
 */
import type { ChildRequest } from "../../protocol/asked_wait.ts";
import type { RunStatus } from "../../protocol/run.ts";
import type { ChildOfRun, MissingChild, NewChild } from "../../protocol/run_wait.ts";
import type { Step } from "../commit/operations.ts";
import type { StatementCache } from "../sqlite/database.ts";

const unfinished = "('queued', 'started', 'waiting', 'paused')";
const withRuns = "run_children as child left join workflow_runs as run on run.run_id = child.child_id" +
  " and run.trigger ->> '$.run' = child.parent_id";
/** The child is not over: it must still be started, or has not ended. */
const isOpen = `child.refused is null and (run.run_id is null or run.status in ${unfinished})`;

/** Inserts child number `n` of a run that has just become `waiting`. */
export function insertChild(parentId: string, round: number, n: number, { runId, request }: NewChild): Step {
  return {
    sql: "insert into run_children (parent_id, round, n, child_id, workflow, request) values (?, ?, ?, ?, ?, ?)",
    values: [parentId, round, n, runId, request.workflow, JSON.stringify(request)],
  };
}

/** Changes nothing when the child is started or refused already, or its parent no longer waits. */
export function refuseChild(parentId: string, round: number, n: number, why: string): Step {
  return {
    sql: "update run_children set refused = ? where parent_id = ? and round = ? and n = ? and request is not null" +
      " and refused is null",
    values: [why, parentId, round, n],
  };
}

/** Closes the children of a parent that no longer waits for them. */
export function closeChildren(parentId: string): Step {
  return {
    sql: "update run_children set request = null where parent_id = ? and request is not null",
    values: [parentId],
  };
}

/** Like `closeChildren`, for a parent that has ended: only once none of its children is unfinished. */
export function closeEndedChildren(parentId: string): Step {
  const { sql, values } = closeChildren(parentId);
  return {
    sql: `${sql} and not exists (select 1 from ${withRuns} where child.parent_id = ? and child.request is not null` +
      ` and run.status in ${unfinished})`,
    values: [...values, parentId],
  };
}

/** A condition for the statement that moves the parent: all children have ended. */
export const whereChildrenEnded =
  ` and not exists (select 1 from ${withRuns} where child.parent_id = ? and child.round = ? and ${isOpen})`;

/** Whether any child of the round has not ended. */
export function isAwaitingChildren(statements: StatementCache, parentId: string, round: number): boolean {
  const sql = `select 1 from ${withRuns} where child.parent_id = ? and child.round = ? and ${isOpen} limit 1`;
  return statements.get(sql).get(parentId, round) !== undefined;
}

/** The children that have yet to be started, in order. */
export function listMissingChildren(statements: StatementCache, parentId: string, round: number): MissingChild[] {
  const sql = `select child.n, child.child_id, child.request from ${withRuns} where child.parent_id = ?` +
    " and child.round = ? and run.run_id is null and child.refused is null and child.request is not null" +
    " order by child.n";
  return statements.get(sql).all(parentId, round).map(({ n, child_id, request }) => ({
    n: Number(n),
    runId: String(child_id),
    request: JSON.parse(String(request)) as ChildRequest,
  }));
}

/** The unfinished children of a parent, whatever the parent does. */
export function listUnfinishedChildren(statements: StatementCache, parentId: string): string[] {
  const sql = `select child.child_id from ${withRuns} where child.parent_id = ? and child.request is not null` +
    ` and run.status in ${unfinished} order by child.round, child.n`;
  return statements.get(sql).all(parentId).map(({ child_id }) => String(child_id));
}

/** Every child of a run, or those of one round. */
export function listChildren(statements: StatementCache, parentId: string, round: number | null = null): ChildOfRun[] {
  const sql =
    "select child.round, child.n, child.child_id, child.workflow, child.refused, run.status, run.exit_code, run.reason" +
    ` from ${withRuns} where child.parent_id = ? and child.round = coalesce(?, child.round) order by child.round, child.n`;
  return statements.get(sql).all(parentId, round).map((row) => ({
    round: Number(row.round),
    n: Number(row.n),
    runId: String(row.child_id),
    workflow: String(row.workflow),
    refused: row.refused === null ? null : String(row.refused),
    run: row.status === null ? null : {
      status: row.status as RunStatus,
      exitCode: row.exit_code === null ? null : Number(row.exit_code),
      reason: row.reason === null ? null : String(row.reason),
    },
  }));
}

export function hasOpenChildren(statements: StatementCache, parentId: string): boolean {
  const sql = "select 1 from run_children where parent_id = ? and request is not null limit 1";
  return statements.get(sql).get(parentId) !== undefined;
}

/** Runs with open rows, by id, after `after`; at most `limit`. */
export function listOpenParents(statements: StatementCache, after: string, limit: number): string[] {
  const sql = "select distinct parent_id from run_children where request is not null and parent_id > ?" +
    " order by parent_id limit ?";
  return statements.get(sql).all(after, limit).map(({ parent_id }) => String(parent_id));
}

/** Children whose results are still needed, as ids of runs, for the archive. */
export const neededChildren = "select child_id from run_children where request is not null";
