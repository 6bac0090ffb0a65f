/**
 * Drizzle over node:sqlite: Drizzle's session for better-sqlite3, with a client of the shape it expects. That session
 * needs neither FFI nor the better-sqlite3 package. Used in the sandbox, for `ctx.db` and `ctx.peers`.
 * I1. A transaction's callback must be synchronous: one that returns a promise is rejected and rolled back, since its
 *     statements would run after the commit.
 */
import type { ExtractTablesWithRelations } from "drizzle-orm";
import { BetterSQLiteSession } from "drizzle-orm/better-sqlite3/session";
import { BaseSQLiteDatabase, SQLiteSyncDialect } from "drizzle-orm/sqlite-core";
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { StatementCache } from "./database.ts";

/** The type `SenseDatabase` of the SDK, which this room may not import. */
export type DrizzleDatabase = BaseSQLiteDatabase<"sync", unknown, NoSchema>;
type NoSchema = Record<string, never>;

/** Drizzle over an open database. The caller closes `db`. */
export function createDrizzle(db: DatabaseSync): DrizzleDatabase {
  const dialect = new SQLiteSyncDialect();
  const session = new BetterSQLiteSession<NoSchema, ExtractTablesWithRelations<NoSchema>>(
    new Client(db),
    dialect,
    undefined,
  );
  return new BaseSQLiteDatabase("sync", dialect, session, undefined);
}

const behaviours = ["deferred", "immediate", "exclusive"] as const;
const savepoint = ["savepoint nerve", "release nerve", "rollback to nerve; release nerve"] as const;
type Behaviour = typeof behaviours[number];
type Transaction = (...args: unknown[]) => unknown;

/** The part of better-sqlite3's Database that Drizzle's session uses. */
class Client {
  readonly #db: DatabaseSync;
  readonly #statements: StatementCache;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#statements = new StatementCache(db);
  }

  prepare(sql: string): Statement {
    return new Statement(this.#statements.get(sql), false);
  }

  transaction(work: Transaction): Record<Behaviour, Transaction> {
    const by = (behaviour: Behaviour): Transaction => (...args) => this.#transact(behaviour, () => work(...args));
    return { deferred: by("deferred"), immediate: by("immediate"), exclusive: by("exclusive") };
  }

  #transact(behaviour: Behaviour, work: () => unknown): unknown {
    // A compute is a transaction already.
    const [begin, commit, rollback] = this.#db.isTransaction ? savepoint : [`begin ${behaviour}`, "commit", "rollback"];
    this.#db.exec(begin);
    try {
      const result = work();
      if (isThenable(result)) {
        // It is rejected here, so a later rejection of the promise must not become unhandled.
        result.then(undefined, () => {});
        throw new TypeError("the callback of a transaction must be synchronous: it returned a promise");
      }
      this.#db.exec(commit);
      return result;
    } catch (thrown) {
      if (this.#db.isTransaction) this.#db.exec(rollback);
      throw thrown;
    }
  }
}

/** The part of better-sqlite3's Statement that Drizzle's session uses: `raw()` returns rows as arrays. */
class Statement {
  readonly #statement: StatementSync;
  readonly #arrays: boolean;

  constructor(statement: StatementSync, arrays: boolean) {
    this.#statement = statement;
    this.#arrays = arrays;
  }

  raw(): Statement {
    return new Statement(this.#statement, true);
  }

  run(...values: SQLInputValue[]): unknown {
    return this.#ready(values).run(...values);
  }

  all(...values: SQLInputValue[]): unknown[] {
    return this.#ready(values).all(...values);
  }

  get(...values: SQLInputValue[]): unknown {
    return this.#ready(values).get(...values);
  }

  /** Statements with the same text share one prepared statement, so its mode is set each time. */
  #ready(values: readonly unknown[]): StatementSync {
    const [first] = values;
    // node:sqlite would read it as named parameters and bind NULL (measured, Deno 2.9.6).
    if (typeof first === "object" && first !== null && !ArrayBuffer.isView(first)) {
      throw new TypeError(
        `SQLite cannot store a ${first.constructor?.name ?? "plain object"}: use a column with a mode`,
      );
    }
    this.#statement.setReturnArrays(this.#arrays);
    return this.#statement;
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
