/**
 * Reads data/logs.db, with or without a running daemon, over its own read-only connection: it sees committed rows. Used
 * by the command line, the control API, and `ctx.logs` in the sandbox. Every method throws NerveError STORE_FAILED when
 * it reads a damaged part of the file.
 */
import type { DatabaseSync } from "node:sqlite";
import { pageMaxBytes } from "../../base/limits.ts";
import type { LogFilter, LogRow } from "../../protocol/log.ts";
import type { MessageQuery, RunPage, RunQuery } from "../../protocol/queries.ts";
import type { Run, RunMessage } from "../../protocol/run.ts";
import { readMessages, readRun, readRuns } from "../runs/run_sql.ts";
import { checkVersion, openDatabase, readUserVersion, StatementCache, toStoreError } from "../sqlite/database.ts";
import { buildLogQuery, buildSizeQuery, countPage, toLogRow } from "./log_sql.ts";
import { archivedUpToKey } from "./meta_store.ts";
import { logMigrations } from "./schema.ts";

export class StoreReader {
  #db: DatabaseSync;
  readonly #statements: StatementCache;

  private constructor(db: DatabaseSync) {
    this.#db = db;
    this.#statements = new StatementCache(db);
  }

  /** Null when there is no log yet. Throws NerveError STORE_FAILED when it cannot be read or a newer nerve wrote it. */
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

  /**
   * Ordered by id, oldest first unless `order` is "desc". `limit` defaults to 100. Rows beyond `maxBytes` are left for
   * the next query: fewer than `limit` does not mean that there are no more.
   */
  logs(filter: LogFilter, maxBytes: number = pageMaxBytes): LogRow[] {
    return this.#read(() => {
      const limit = countPage(this.#statements, buildSizeQuery(filter), maxBytes);
      const { sql, values } = buildLogQuery({ ...filter, limit });
      return this.#statements.arrays(sql).all(...values).map(toLogRow);
    });
  }

  /** How many rows name this `refId`. */
  countRows(refId: string): number {
    const sql = "select count(*) as total from logs where ref_id = ?";
    return this.#read(() => Number(this.#statements.get(sql).get(refId)?.total ?? 0));
  }

  /** Rows older than this (milliseconds) may be only in the archive; null when nothing was archived. */
  archivedUpTo(): number | null {
    const row = this.#statements.get("select value from meta where key = ?").get(archivedUpToKey);
    return row === undefined ? null : Number(row.value);
  }

  /** The newest row of a source, or null. */
  lastRow(source: string): LogRow | null {
    return this.logs({ source, order: "desc", limit: 1 })[0] ?? null;
  }

  /** A page of runs, newest first; `total` counts every run that passes the filter. */
  runs(query: RunQuery): RunPage {
    return this.#read(() => readRuns(this.#statements, query));
  }

  run(runId: string): Run | null {
    return this.#read(() => readRun(this.#statements, runId));
  }

  /** The newest `limit` messages (default all) before round `beforeRound` (default the end), oldest first. */
  messages(runId: string, query: MessageQuery = {}): RunMessage[] {
    return this.#read(() => readMessages(this.#statements, runId, query));
  }

  /** Goes on over a new connection to the database at this path. */
  reopen(logDatabasePath: string): void {
    this.#db = openDatabase(logDatabasePath, { readOnly: true });
    this.#statements.useDatabase(this.#db);
  }

  close(): void {
    this.#db.close();
  }

  /** Turns an error of SQLite into STORE_FAILED: the disk or the file is at fault. */
  #read<T>(read: () => T): T {
    try {
      return read();
    } catch (thrown) {
      throw toStoreError("the log cannot be read", thrown);
    }
  }
}
