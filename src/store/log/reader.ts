/**
 * Reads data/logs.db, with or without a running daemon, over its own read-only connection: it sees committed rows. Used
 * by the command line, the control API, and `ctx.logs` in the sandbox. Every method throws NerveError STORE_FAILED when
 * it reads a damaged part of the file.
 */
import type { DatabaseSync } from "node:sqlite";
import type { Approval, ApprovalCounts, ApprovalPage, ApprovalQuery } from "../../protocol/approval.ts";
import type { LogFilter, LogRow } from "../../protocol/log.ts";
import type { MessageQuery, RunPage, RunQuery } from "../../protocol/queries.ts";
import type { Run, RunMessage } from "../../protocol/run.ts";
import type { ChildOfRun } from "../../protocol/run_wait.ts";
import type { SessionPage, SessionQuery, SessionRecord } from "../../protocol/session.ts";
import { listSessions, readSession } from "../agents/session_sql.ts";
import {
  countOpen,
  listApprovals,
  readApproval,
  readApprovalAt,
  type Statements,
  withoutSignatures,
} from "../approvals/approval_sql.ts";
import { readAlertStates, type StoredAlertState } from "../alerts/alert_store.ts";
import type { Page } from "../reading/pages.ts";
import { readAll, type Steps } from "../reading/steps.ts";
import { listChildren } from "../runs/child_sql.ts";
import { isClosing } from "../runs/closing_sql.ts";
import { findMessages, findRuns } from "../runs/run_pages.ts";
import { readRun } from "../runs/run_sql.ts";
import { checkVersion, openDatabase, readUserVersion, StatementCache, toStoreError } from "../sqlite/database.ts";
import { hasLogIndexes } from "./log_indexes.ts";
import { archivedUpToKey } from "./meta_store.ts";
import { findRows } from "./row_finder.ts";
import { logMigrations } from "./schema.ts";

/** The first versions of the tables that have approvals and signatures. */
const approvalsVersion = 3, signaturesVersion = 7;

const unreadable = "the log cannot be read";

export class StoreReader {
  #db: DatabaseSync;
  readonly #statements: StatementCache;
  readonly #indexed: boolean;

  private constructor(db: DatabaseSync) {
    this.#db = db;
    this.#indexed = hasLogIndexes(db);
    this.#statements = new StatementCache(db);
  }

  /** Null when there is no log yet. Throws NerveError STORE_FAILED when it is unreadable or a newer nerve wrote it. */
  static open(logDatabasePath: string): StoreReader | null {
    try {
      Deno.statSync(logDatabasePath);
    } catch (thrown) {
      if (thrown instanceof Deno.errors.NotFound) return null;
      throw toStoreError(`the log ${logDatabasePath} cannot be read`, thrown);
    }
    const db = openDatabase(logDatabasePath, { readOnly: true });
    try {
      const version = readUserVersion(db);
      checkVersion(version, logMigrations.length, logDatabasePath);
      if (version > 0) return new StoreReader(db);
    } catch (thrown) {
      db.close();
      throw toStoreError(`the log ${logDatabasePath} cannot be read`, thrown);
    }
    // A daemon is about to create its tables.
    db.close();
    return null;
  }

  /** Like `logPage`, at once. */
  logs(filter: LogFilter, maxBytes?: number): LogRow[] {
    return readAll(this.logPage(filter, maxBytes)).items;
  }

  /**
   * A page of rows, ordered by id, oldest first unless `order` is "desc". `limit` defaults to 100. Rows beyond
   * `maxBytes` (default: `pageMaxBytes`) are left for the next page.
   */
  logPage(filter: LogFilter, maxBytes?: number): Steps<Page<LogRow>> {
    return this.#read(findRows(this.#statements, this.#indexed, filter, maxBytes));
  }

  /** The newest id of the log; 0 when it has no row. */
  lastId(): number {
    return this.#ask("select max(id) as value from logs") ?? 0;
  }

  /** The first id after this one; null when there is none. */
  nextId(after: number): number | null {
    return this.#ask("select min(id) as value from logs where id > ?", after);
  }

  /** How many rows name this `refId`. */
  countRows(refId: string): number {
    return this.#ask("select count(*) as value from logs where ref_id = ?", refId) ?? 0;
  }

  /** Rows older than this (milliseconds) may be only in the archive; null when nothing was archived. */
  archivedUpTo(): number | null {
    return this.#ask("select cast(value as integer) as value from meta where key = ?", archivedUpToKey);
  }

  /** The stored states of alerts; none in a log that an older nerve wrote. */
  alertStates(): StoredAlertState[] {
    return this.#readNow(() => {
      const known = this.#statements.get("select 1 from sqlite_schema where name = 'alert_states'").get();
      return known === undefined ? [] : readAlertStates(this.#statements);
    });
  }

  /** Whether an ended run is still to be closed; false in a log that an older nerve wrote. */
  isClosing(runId: string): boolean {
    return this.#readNow(() => {
      const known = this.#statements.get("select 1 from sqlite_schema where name = 'run_closings'").get();
      return known !== undefined && isClosing(this.#statements, runId);
    });
  }

  /** A small value by its key (meta_store.ts). */
  value(key: string): string | null {
    const row = this.#readNow(() => this.#statements.get("select value from meta where key = ?").get(key));
    return row === undefined ? null : String(row.value);
  }

  /** The newest row of a source, or null. */
  lastRow(source: string): LogRow | null {
    return this.logs({ source, order: "desc", limit: 1 })[0] ?? null;
  }

  /** Like `runPage`, at once. */
  runs(query: RunQuery): RunPage {
    const { items, total } = readAll(this.runPage(query));
    return { items, total };
  }

  /** A page of runs, newest first; `total` counts every run that passes the filter. */
  runPage(query: RunQuery): Steps<Page<Run> & RunPage> {
    return this.#read(findRuns(this.#statements, query));
  }

  run(runId: string): Run | null {
    return this.#readNow(() => readRun(this.#statements, runId));
  }

  /** Like `messagePage`, at once. */
  messages(runId: string, query: MessageQuery = {}): RunMessage[] {
    return readAll(this.messagePage(runId, query)).items;
  }

  /**
   * The newest `limit` messages (default: all) before round `beforeRound` (default: the end), oldest first. `more`:
   * there are earlier ones.
   */
  messagePage(runId: string, query: MessageQuery = {}): Steps<Page<RunMessage>> {
    return this.#read(findMessages(this.#statements, runId, query));
  }

  /** Open requests, oldest first; with `all`, all requests, newest first. */
  approvals(query: ApprovalQuery): ApprovalPage {
    return this.#readApprovals((statements) => listApprovals(statements, query)) ?? { total: 0, items: [] };
  }

  /** The request with this id. */
  approval(id: string): Approval | null {
    return this.#readApprovals((statements) => readApproval(statements, id)?.approval ?? null);
  }

  /** The request of a run in a round. */
  approvalAt(runId: string, round: number): Approval | null {
    return this.#readApprovals((statements) => readApprovalAt(statements, runId, round)?.approval ?? null);
  }

  /** Sessions of agents, newest first. */
  sessions(query: SessionQuery): SessionPage {
    return this.#readNow(() => listSessions(this.#statements, query));
  }

  session(id: string): SessionRecord | null {
    return this.#readNow(() => readSession(this.#statements, id));
  }

  /** The runs that a run has started to wait for, of every round. */
  children(runId: string): ChildOfRun[] {
    return this.#readNow(() => {
      const known = this.#statements.get("select 1 from sqlite_schema where name = 'run_children'").get();
      return known === undefined ? [] : listChildren(this.#statements, runId);
    });
  }

  /** `since`: the time from which expired requests count. */
  countApprovals(since: number): ApprovalCounts {
    return this.#readApprovals((statements) => countOpen(statements, since)) ?? { open: 0, oldest: null, expired: 0 };
  }

  /** Null for a database of an older nerve without approvals, until a daemon migrates it. */
  #readApprovals<T>(read: (statements: Statements) => T): T | null {
    return this.#readNow(() => {
      const version = readUserVersion(this.#db);
      if (version < approvalsVersion) return null;
      return read(version < signaturesVersion ? withoutSignatures(this.#statements) : this.#statements);
    });
  }

  /** Continues over a new connection to the database at this path. */
  reopen(logDatabasePath: string): void {
    this.#db = openDatabase(logDatabasePath, { readOnly: true });
    this.#statements.useDatabase(this.#db);
  }

  get isOpen(): boolean {
    return this.#db.isOpen;
  }

  close(): void {
    this.#db.close();
  }

  #ask(sql: string, ...values: (string | number)[]): number | null {
    return this.#readNow(() => this.#statements.get(sql).get(...values)?.value as number | null ?? null);
  }

  /** Turns an error of SQLite into STORE_FAILED: the disk or the file is at fault. */
  *#read<T>(read: Steps<T>): Steps<T> {
    try {
      return yield* read;
    } catch (thrown) {
      throw toStoreError(unreadable, thrown);
    }
  }

  /** Like `#read`, for a read of one step. */
  #readNow<T>(read: () => T): T {
    try {
      return read();
    } catch (thrown) {
      throw toStoreError(unreadable, thrown);
    }
  }
}
