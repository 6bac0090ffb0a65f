/**
 * Drizzle over SQLite: Drizzle's session for better-sqlite3, with a client of the shape it expects. That session needs
 * neither FFI nor the better-sqlite3 package. Used in the sandbox, for `ctx.db` and `ctx.peers`. User code can reach
 * the session and its client (`db.session.client`): they hold no handle, and can do no more than `ctx.sqlite`.
 * I1. A transaction's callback must be synchronous: one that returns a promise is rejected and rolled back, because its
 *     statements would run after the commit.
 */
import type { ExtractTablesWithRelations } from "drizzle-orm";
import { BetterSQLiteSession } from "drizzle-orm/better-sqlite3/session";
import { BaseSQLiteDatabase, SQLiteSyncDialect } from "drizzle-orm/sqlite-core";
import { arrayRows, objectRows, type RowMode, type SqlSource, type TransactionKind } from "./sql_source.ts";

/** The type `SenseDatabase` of the SDK, which this room may not import. */
export type DrizzleDatabase = BaseSQLiteDatabase<"sync", unknown, NoSchema>;
type NoSchema = Record<string, never>;

export function createDrizzle(source: SqlSource): DrizzleDatabase {
  const dialect = new SQLiteSyncDialect();
  const session = new BetterSQLiteSession<NoSchema, ExtractTablesWithRelations<NoSchema>>(
    new Client(source),
    dialect,
    undefined,
  );
  return new BaseSQLiteDatabase("sync", dialect, session, undefined);
}

type Transaction = (...args: unknown[]) => unknown;

/** The part of better-sqlite3's Database that Drizzle's session uses. */
class Client {
  readonly #source: SqlSource;

  constructor(source: SqlSource) {
    this.#source = source;
  }

  prepare(sql: string): Statement {
    this.#source.check(sql);
    return new Statement(this.#source, sql, objectRows);
  }

  transaction(work: Transaction): Record<TransactionKind, Transaction> {
    const by = (kind: TransactionKind): Transaction => (...args) => this.#source.transaction(kind, () => work(...args));
    return { deferred: by("deferred"), immediate: by("immediate"), exclusive: by("exclusive") };
  }
}

/** The part of better-sqlite3's Statement that Drizzle's session uses: `raw()` returns rows as arrays. */
class Statement {
  readonly #source: SqlSource;
  readonly #sql: string;
  readonly #mode: RowMode;

  constructor(source: SqlSource, sql: string, mode: RowMode) {
    this.#source = source;
    this.#sql = sql;
    this.#mode = mode;
  }

  raw(): Statement {
    return new Statement(this.#source, this.#sql, arrayRows);
  }

  run(...values: unknown[]): unknown {
    return this.#source.run(this.#sql, positional(values), this.#mode);
  }

  all(...values: unknown[]): unknown[] {
    return this.#source.all(this.#sql, positional(values), this.#mode);
  }

  get(...values: unknown[]): unknown {
    return this.#source.get(this.#sql, positional(values), this.#mode);
  }
}

/** Drizzle names no parameters: if the first value is an object, it is one that SQLite cannot store. */
function positional(values: unknown[]): unknown[] {
  const first = values[0];
  if (typeof first === "object" && first !== null && !ArrayBuffer.isView(first)) {
    throw new TypeError(
      `SQLite cannot store a ${first.constructor?.name ?? "plain object"}: use a column with a mode`,
    );
  }
  return values;
}
