/** Reads of the table `agent_sessions`. Used by session_store.ts and by the reader of the log (log/reader.ts). */
import type { SessionPage, SessionQuery, SessionRecord, SessionState } from "../../protocol/session.ts";
import type { StatementCache } from "../sqlite/database.ts";

export const sessionColumns =
  "id, run_id, name, workflow, agent, cwd, state, conversation, recovery_attempts, created, changed";

type Statements = Pick<StatementCache, "get">;

/** A page of sessions, newest first. Empty for a database of an older nerve, which has no such table. */
export function listSessions(statements: Statements, { runId, all, limit, offset }: SessionQuery): SessionPage {
  if (!hasSessions(statements)) return { total: 0, items: [] };
  const parts = [...runId === undefined ? [] : ["run_id = ?"], ...all ? [] : ["state <> 'ENDED'"]];
  const from = `from agent_sessions${parts.length === 0 ? "" : ` where ${parts.join(" and ")}`}`;
  const values = runId === undefined ? [] : [runId];
  const total = Number(statements.get(`select count(*) as n ${from}`).get(...values)?.n);
  const sql = `select ${sessionColumns} ${from} order by seq desc limit ? offset ?`;
  return { total, items: statements.get(sql).all(...values, limit, offset).map(toSessionRecord) };
}

export function readSession(statements: Statements, id: string): SessionRecord | null {
  if (!hasSessions(statements)) return null;
  const row = statements.get(`select ${sessionColumns} from agent_sessions where id = ?`).get(id);
  return row === undefined ? null : toSessionRecord(row);
}

function hasSessions(statements: Statements): boolean {
  return statements.get("select 1 from sqlite_schema where name = 'agent_sessions'").get() !== undefined;
}

export function toSessionRecord(row: Record<string, unknown>): SessionRecord {
  const conversation = row.conversation === null ? null : String(row.conversation);
  return {
    id: String(row.id),
    runId: String(row.run_id),
    name: String(row.name),
    workflow: String(row.workflow),
    agent: String(row.agent),
    cwd: String(row.cwd),
    state: String(row.state) as SessionState,
    conversation,
    recoveryAttempts: Number(row.recovery_attempts),
    created: Number(row.created),
    changed: Number(row.changed),
  };
}
