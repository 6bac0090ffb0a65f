/**
 * Sessions of agents, in the table `agent_sessions` of data/logs.db. Each change and its log row are one write. Used by
 * kernel/agents.ts.
 */
import type { NewLogRow } from "../../protocol/log.ts";
import type { SessionRecord, SessionState } from "../../protocol/session.ts";
import type { Step } from "../commit/operations.ts";
import type { LogStore } from "../log/log_store.ts";
import type { StatementCache } from "../sqlite/database.ts";
import { sessionColumns, toSessionRecord } from "./session_sql.ts";

/** The changed parts of a session; the rest stays. */
export interface SessionChange {
  readonly state: SessionState;
  /** Null: the stored value stays. */
  readonly conversation: string | null;
  readonly changed: number;
  /** How many more recoveries have failed. */
  readonly failures?: number;
}

export class SessionStore {
  readonly #statements: StatementCache;
  readonly #log: LogStore;

  constructor(statements: StatementCache, log: LogStore) {
    this.#statements = statements;
    this.#log = log;
  }

  create(session: SessionRecord, row: NewLogRow): void {
    const { id, runId, name, workflow, agent, cwd, state, conversation, recoveryAttempts, created, changed } = session;
    this.#write(row, {
      sql: `insert into agent_sessions (${sessionColumns}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      values: [id, runId, name, workflow, agent, cwd, state, conversation, recoveryAttempts, created, changed],
    });
  }

  change(id: string, { state, conversation, changed, failures = 0 }: SessionChange, row: NewLogRow): void {
    this.#write(row, {
      sql: "update agent_sessions set state = ?, conversation = coalesce(?, conversation), changed = ?," +
        " recovery_attempts = recovery_attempts + ? where id = ?",
      values: [state, conversation, changed, failures, id],
    });
  }

  /** Sessions that have not ended, of every run that has not ended either. */
  listUnended(): SessionRecord[] {
    const named = sessionColumns.split(", ").map((name) => `session.${name}`).join(", ");
    return this.#statements.get(
      `select ${named} from agent_sessions session join workflow_runs run using (run_id)
       where session.state <> 'ENDED' and run.status in ('queued', 'started', 'waiting', 'paused') order by session.seq`,
    ).all().map(toSessionRecord);
  }

  /** Whether a session of the run with that name has ended. */
  isReplaced(runId: string, name: string): boolean {
    const sql = "select 1 from agent_sessions where run_id = ? and name = ? and state = 'ENDED' limit 1";
    return this.#statements.get(sql).get(runId, name) !== undefined;
  }

  /** The sessions of a run that have not ended, oldest first, without changes that are not committed yet. */
  listOpen(runId: string): SessionRecord[] {
    const sql = `select ${sessionColumns} from agent_sessions where run_id = ? and state <> 'ENDED' order by seq`;
    return this.#statements.get(sql).all(runId).map(toSessionRecord);
  }

  /** The newest `limit` sessions, newest first. */
  list(limit: number): SessionRecord[] {
    return this.#statements.get(`select ${sessionColumns} from agent_sessions order by seq desc limit ?`).all(limit)
      .map(toSessionRecord);
  }

  #write(row: NewLogRow, step: Step): void {
    this.#log.appendAll([() => row], () => [step]);
  }
}
