/**
 * The SQL for `approvals`, the requests that people decide for runs, over any connection. Used by run_store.ts (the
 * writer's connection), rebuild.ts, verify.ts and reader.ts.
 */
import type {
  ApprovalCounts,
  ApprovalDecision,
  ApprovalPage,
  ApprovalQuery,
  ApprovalState,
  ApprovalSummary,
  DecisionHow,
  NewApproval,
  StoredApproval,
} from "../../protocol/approval.ts";
import type { Run } from "../../protocol/run.ts";
import type { Step, Value } from "../commit/operations.ts";
import type { StatementCache } from "../sqlite/database.ts";

/** The statement for each SQL text. */
export type Statements = Pick<StatementCache, "get">;

/** Statements for a table of an older nerve, from before decisions could be signed. */
export function withoutSignatures(statements: Statements): Statements {
  const table = "select *, null as approvers, null as signed_by, null as signature from main.approvals";
  return { get: (sql) => statements.get(`with approvals as (${table}) ${sql}`) };
}

/** The columns that `toSummary` needs. */
export const summaryColumns =
  "id, run_id, workflow, round, role, gate_key, kind, title, options, digest, state, open, created," +
  " expires, on_expiry, approvers, decision, by, how, signed_by, comment, decided";

/** A row as an object: the database is ours and its tables are strict. */
export function toSummary(row: Record<string, unknown>): ApprovalSummary {
  return {
    id: row.id as string,
    runId: row.run_id as string,
    workflow: row.workflow as string,
    round: row.round as number,
    role: row.role as string,
    gate: row.gate_key as string,
    kind: row.kind as ApprovalSummary["kind"],
    title: row.title as string,
    options: JSON.parse(row.options as string) as string[],
    digest: row.digest as string,
    state: row.state as ApprovalState,
    open: row.open === 1,
    created: row.created as number,
    expires: row.expires as number | null,
    onExpiry: row.on_expiry as string | null,
    approvers: row.approvers === null ? null : JSON.parse(row.approvers as string) as string[],
    decision: row.decision as string | null,
    by: row.by as string | null,
    how: row.how as DecisionHow | null,
    key: row.signed_by as string | null,
    comment: row.comment as string | null,
    decided: row.decided as number | null,
  };
}

export function readApproval(statements: Statements, id: string): StoredApproval | null {
  const row = statements.get(`select ${summaryColumns}, body, token, signature from approvals where id = ?`).get(id);
  if (row === undefined) return null;
  const { body, token, signature } = row as { body: string; token: string | null; signature: string | null };
  return { approval: { ...toSummary(row), body, signature }, token };
}

/** The newest request of a run in a round; null when the run asked nothing there. */
export function readApprovalAt(statements: Statements, runId: string, round: number): StoredApproval | null {
  const sql = "select id from approvals where run_id = ? and round = ? and kind in ('gate', 'recovery')" +
    " order by seq desc limit 1";
  const row = statements.get(sql).get(runId, round);
  return row === undefined ? null : readApproval(statements, row.id as string);
}

/** The newest request of that kind of a run; null when there is none. */
export function readNewestOf(statements: Statements, runId: string, kind: string): StoredApproval | null {
  const row = statements.get("select id from approvals where run_id = ? and kind = ? order by seq desc limit 1").get(
    runId,
    kind,
  );
  return row === undefined ? null : readApproval(statements, row.id as string);
}

/** Open requests about agents. */
export function listAgentRequests(statements: Statements): ApprovalSummary[] {
  const sql =
    `select ${summaryColumns} from approvals where open = 1 and kind not in ('gate', 'recovery') order by seq`;
  return statements.get(sql).all().map(toSummary);
}

/** How many requests a gate of a run has made. */
export function countApprovals(statements: Statements, runId: string, gate: string): number {
  const sql = "select count(*) as count from approvals where run_id = ? and gate_key = ?";
  return Number(statements.get(sql).get(runId, gate)?.count);
}

/** Open requests, oldest first; with `all`, all requests, newest first. */
export function listApprovals(statements: Statements, query: ApprovalQuery): ApprovalPage {
  const { runId, all, limit, offset } = query;
  const parts = [...(all ? [] : ["open = 1"]), ...(runId === undefined ? [] : ["run_id = ?"])];
  const where = parts.length === 0 ? "" : ` where ${parts.join(" and ")}`, values = runId === undefined ? [] : [runId];
  const total = Number(statements.get(`select count(*) as count from approvals${where}`).get(...values)?.count);
  const order = all ? "seq desc" : "seq";
  const sql = `select ${summaryColumns} from approvals${where} order by ${order} limit ? offset ?`;
  return { total, items: statements.get(sql).all(...values, limit, offset).map(toSummary) };
}

/** How many requests are open, and since when the oldest is; `expired`: how many expired undecided since `since`. */
export function countOpen(statements: Statements, since: number): ApprovalCounts {
  const open = Number(statements.get("select count(*) as count from approvals where open = 1").get()?.count);
  const first = statements.get("select created from approvals where open = 1 order by seq limit 1").get();
  const late = statements.get("select count(*) as count from approvals where state = 'expired' and decided >= ?");
  return {
    open,
    oldest: first === undefined ? null : first.created as number,
    expired: Number(late.get(since)?.count),
  };
}

/** The request of a run that has just become `waiting`. */
export function insertApproval(run: Pick<Run, "runId" | "workflow">, request: NewApproval): Step {
  const { id, round, role, gate, kind, title, body, options, digest, created, expires, onExpiry } = request;
  // A request of an older nerve names no approvers.
  const approvers = request.approvers ?? null;
  return {
    sql:
      "insert into approvals (id, run_id, workflow, round, role, gate_key, kind, title, body, options, digest, state," +
      " open, created, expires, on_expiry, approvers) select ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', 1, ?, ?, ?, ?",
    values: [
      ...[id, run.runId, run.workflow, round, role, gate, kind, title, body, JSON.stringify(options), digest],
      ...[created, expires, onExpiry, approvers === null ? null : JSON.stringify(approvers)],
    ],
  };
}

/** A request that moves no run; changes nothing when the run has ended, or has moved on. */
export function insertAlone(run: Pick<Run, "runId" | "workflow">, request: NewApproval): Step {
  const { sql, values } = insertApproval(run, request);
  return {
    sql: `${sql} where exists (select 1 from workflow_runs where run_id = ? and rounds = ?` +
      " and status in ('queued', 'started', 'waiting', 'paused'))",
    values: [...values, run.runId, request.round - 1],
  };
}

/** Decides a request whose run has just moved on. */
export function decideApproval(decision: ApprovalDecision): Step {
  const { id, digest, state, decision: option, by, how, token, comment, decided } = decision;
  const { key = null, signature = null } = decision;
  return {
    sql:
      "update approvals set open = 0, state = ?, decision = ?, by = ?, how = ?, token = ?, comment = ?, signed_by = ?," +
      " signature = ?, decided = ? where id = ? and digest = ?",
    values: [state, option, by, how, token, comment, key, signature, decided, id, digest],
  };
}

/** Decides a request whose decision moves no run; changes nothing when it is decided or closed. */
export function decideAlone(decision: ApprovalDecision): Step {
  const { sql, values } = decideApproval(decision);
  return { sql: `${sql} and open = 1`, values };
}

/** A condition for the statement that moves the run: the request can be decided. */
export const whereOpen = " and exists (select 1 from approvals where id = ? and digest = ? and open = 1)";
export function valuesOfOpen({ id, digest }: ApprovalDecision): Value[] {
  return [id, digest];
}
